import Synchronization

/// Whether the relay's loop still turns. It is asked once at a time, however many want to know: a loop that has stopped
/// collects no questions.
final class Liveness: Sendable {
    private struct State {
        var isAsking = false
        var lastNumber = 0
        var waiting: [Int: CheckedContinuation<Bool, Never>] = [:]
    }

    private let limit: Duration
    private let ask: @Sendable () async -> Bool
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: no answer for so long counts as no.
    ///   - ask: answers from the relay's loop.
    init(limit: Duration, ask: @escaping @Sendable () async -> Bool) {
        self.limit = limit
        self.ask = ask
    }

    /// Asks, or waits with others for the answer that is on its way.
    func answer() async -> Bool {
        let alarm = Mutex<Task<Void, Never>?>(nil)
        let answer: Bool = await withCheckedContinuation { continuation in
            let (number, mustAsk) = state.withLock { state in
                state.lastNumber += 1
                state.waiting[state.lastNumber] = continuation
                defer { state.isAsking = true }
                return (state.lastNumber, !state.isAsking)
            }
            alarm.withLock {
                $0 = Task {
                    guard (try? await Task.sleep(for: self.limit)) != nil else { return }
                    self.giveUp(number)
                }
            }
            if mustAsk { Task { self.finish(await self.ask()) } }
        }
        alarm.withLock { $0 }?.cancel()
        return answer
    }

    private func finish(_ answer: Bool) {
        let waiting = state.withLock { state in
            state.isAsking = false
            defer { state.waiting = [:] }
            return state.waiting
        }
        for continuation in waiting.values { continuation.resume(returning: answer) }
    }

    private func giveUp(_ number: Int) {
        state.withLock { $0.waiting.removeValue(forKey: number) }?.resume(returning: false)
    }
}
