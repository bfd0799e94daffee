import RelayCore
import RelayTestKit
import Testing

@testable import RelayRuntime

@Suite struct AwaitedAnswersTests {
    private func answers(to events: Int64) throws -> AwaitedAnswers {
        AwaitedAnswers(to: try makeBatch(1...events).whole)
    }

    /// Once for all that come until they are taken.
    @Test func theRelayIsCalledForTheFirst() throws {
        let answers = try answers(to: 10)
        #expect(answers.add(1, .delivered))
        #expect(!answers.add(2, .delivered))
        #expect(answers.take().map(\.count) == [1, 2])
        #expect(answers.add(3, .delivered))
        #expect(answers.take().map(\.count) == [3])
        #expect(answers.take().isEmpty)
    }

    /// It hears of the last with the end of the delivery.
    @Test(arguments: [DeliveryOutcome.delivered, .retry(after: nil, reason: "no"), .rejected(reason: "no")])
    func nobodyIsCalledForTheLast(_ outcome: DeliveryOutcome) throws {
        let answers = try answers(to: 3)
        #expect(answers.add(1, .delivered))
        #expect(answers.take().map(\.count) == [1])
        #expect(!answers.add(outcome == .delivered ? 2 : 1, outcome))
        #expect(answers.take().map(\.outcome) == [outcome])
    }
}
