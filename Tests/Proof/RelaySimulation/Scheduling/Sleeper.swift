/// Somebody who sleeps by a process's clock.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Sleeper: @unchecked Sendable {
    let until: Int64
    let process: SimulatedProcess
    /// Among the process's sleepers.
    var number = 0
    /// It stands on the agenda.
    var isArmed = false
    private(set) var isCancelled = false
    private var continuation: UnsafeContinuation<Void, Never>?

    var isAsleep: Bool { continuation != nil }

    init(until: Int64, _ process: SimulatedProcess) {
        self.until = until
        self.process = process
    }

    func sleep() async {
        await withUnsafeContinuation { continuation in
            self.continuation = continuation
            process.begin(self)
        }
    }

    func cancel() {
        isCancelled = true
        wake()
    }

    func wake() {
        guard let continuation else { return }
        self.continuation = nil
        process.forget(number)
        process.scheduler.on(behalfOf: process.number) { continuation.resume() }
    }
}
