import RelayCore
import RelayTestKit
import Synchronization

/// What a sink answered to one delivery, for a test to wait for and to judge.
package final class Answers: Sendable {
    /// One report.
    package struct Answer: Hashable, Sendable {
        package var count: Int
        package var outcome: DeliveryOutcome

        package init(count: Int, outcome: DeliveryOutcome) {
            self.count = count
            self.outcome = outcome
        }
    }

    private struct State {
        var answers: [Answer] = []
        var isOver = false
        var cameLate = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Takes a report.
    package func append(_ count: Int, _ outcome: DeliveryOutcome) {
        state.withLock { state in
            state.answers.append(Answer(count: count, outcome: outcome))
            if state.isOver { state.cameLate = true }
        }
    }

    /// `deliver` has returned: from here on nothing may be reported.
    package func end() {
        state.withLock { $0.isOver = true }
    }

    /// All reports.
    package var all: [Answer] { state.withLock { $0.answers } }
    /// How many events are answered as delivered.
    package var delivered: Int { all.reduce(0) { $0 + ($1.outcome == .delivered ? $1.count : 0) } }
    /// The answers that are not `delivered`.
    package var failures: [DeliveryOutcome] { all.map(\.outcome).filter { $0 != .delivered } }

    /// Waits until so many events are delivered.
    package func reach(_ count: Int) async throws {
        try await eventually("\(count) events are answered as delivered") { delivered >= count }
    }

    /// Checks the answers against the contract of `Sink`, for a delivery of `count` events.
    ///
    /// - Throws: what they break.
    package func verify(deliveryOf count: Int) throws {
        let (answers, cameLate) = state.withLock { ($0.answers, $0.cameLate) }
        if cameLate { throw KitFailure("the sink answered after deliver had returned: \(answers)") }
        if answers.contains(where: { $0.count < 1 }) { throw KitFailure("an answer for no event: \(answers)") }
        if answers.reduce(0, { $0 + $1.count }) > count {
            throw KitFailure("more answers than the \(count) events of the delivery: \(answers)")
        }
        if answers.dropLast().contains(where: { $0.outcome != .delivered }) {
            throw KitFailure("the sink went on after an answer that is not delivered: \(answers)")
        }
    }
}

extension Sink {
    /// Delivers and gathers the answers.
    package func answers(to delivery: Delivery) async -> Answers {
        let answers = Answers()
        await deliver(delivery, to: answers)
        return answers
    }

    /// Delivers, while somebody else may look at the answers.
    package func deliver(_ delivery: Delivery, to answers: Answers) async {
        await deliver(delivery) { answers.append($0, $1) }
        answers.end()
    }
}
