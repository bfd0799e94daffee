/// An answer that somebody waits for and that comes at most once; a second one counts for nothing.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Reply<Value: Sendable>: @unchecked Sendable {
    private var result: Result<Value, any Error>?
    private var waiting: UnsafeContinuation<Void, Never>?
    private let process: Int
    private let scheduler: Scheduler

    /// - Parameter process: who waits.
    init(for process: Int, _ scheduler: Scheduler) {
        self.process = process
        self.scheduler = scheduler
    }

    var hasCome: Bool { result != nil }

    func give(_ result: Result<Value, any Error>) {
        guard self.result == nil else { return }
        self.result = result
        guard let waiting else { return }
        self.waiting = nil
        scheduler.on(behalfOf: process) { waiting.resume() }
    }

    var value: Value {
        get async throws {
            if result == nil {
                // Asked again: others may run before the closure does.
                await withUnsafeContinuation { if result == nil { waiting = $0 } else { $0.resume() } }
            }
            guard let result else { throw CancellationError() }
            return try result.get()
        }
    }
}
