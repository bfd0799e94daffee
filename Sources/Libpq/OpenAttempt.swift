import DedicatedThreads
import Synchronization

/// The caller's side of `Connection.open`: answers once, at the first of success, failure, time limit and cancellation.
///
/// The thread may be inside a name look-up, which nothing can interrupt; the caller is answered nevertheless, and
/// what the thread then returns is dropped.
final class OpenAttempt: Sendable {
    typealias Answer = Result<Connection, PostgresError>

    private enum State {
        /// → waiting (`answer` called), answered (`finish` came first)
        case begun
        /// → answered
        case waiting(CheckedContinuation<Answer, Never>)
        /// Nobody has taken it yet. → answered(nil)
        case answered(Answer?)
    }

    private let state = Mutex(State.begun)
    let wakeUp: WakeUp

    init(wakeUp: WakeUp) {
        self.wakeUp = wakeUp
    }

    /// Whether there is nobody left to connect for.
    var isOver: Bool {
        state.withLock { state in
            if case .answered = state { true } else { false }
        }
    }

    /// Waits for the first `finish`.
    func answer() async -> Answer {
        await withCheckedContinuation { continuation in
            let early = state.withLock { state -> Answer? in
                if case .answered(let answer) = state {
                    state = .answered(nil)
                    return answer
                }
                state = .waiting(continuation)
                return nil
            }
            if let early { continuation.resume(returning: early) }
        }
    }

    /// Answers the caller; a later call does nothing.
    func finish(_ answer: Answer) {
        let waiting = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            switch state {
            case .begun:
                state = .answered(answer)
                return nil
            case .waiting(let continuation):
                state = .answered(nil)
                return continuation
            case .answered:
                return nil
            }
        }
        waiting?.resume(returning: answer)
        wakeUp.signal()
    }
}
