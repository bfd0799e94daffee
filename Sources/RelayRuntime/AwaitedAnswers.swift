import RelayCore
import Synchronization

/// A delivery's answers on their way to the relay: it is called for the first, and takes with it whatever has come until
/// it gets to them. With the last one the delivery ends, which it is told in any case.
final class AwaitedAnswers: Sendable {
    private struct State {
        var answers: [SinkAnswer] = []
        /// Events that have no answer.
        var open: Int
        var isCalled = false
    }

    private let state: Mutex<State>

    init(to delivery: Delivery) {
        state = Mutex(State(open: delivery.count))
    }

    /// Adds an answer; from any thread.
    ///
    /// - Returns: whether the relay is to be called.
    func add(_ count: Int, _ outcome: DeliveryOutcome) -> Bool {
        state.withLock { state in
            state.answers.append(SinkAnswer(count: count, outcome: outcome))
            state.open = outcome == .delivered ? state.open - count : 0
            guard state.open > 0, !state.isCalled else { return false }
            state.isCalled = true
            return true
        }
    }

    /// The answers that nobody has taken, in their order.
    func take() -> [SinkAnswer] {
        state.withLock { state in
            state.isCalled = false
            defer { state.answers = [] }
            return state.answers
        }
    }
}
