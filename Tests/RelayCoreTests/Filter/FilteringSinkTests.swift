import RelayCore
import RelayTestKit
import Synchronization
import Testing

@Suite("A filter before a sink")
struct FilteringSinkTests {
    /// Answers as it is told, and notes what it was given.
    private final class ScriptedSink: Sink {
        let name = "scripted"
        let given = Mutex<[[Int64]]>([])
        let script: [(Int, DeliveryOutcome)]

        init(_ script: [(Int, DeliveryOutcome)] = []) { self.script = script }

        func open(_ outbox: OutboxPosition) async throws(SinkError) {}
        func close() async {}

        func deliver(
            _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
        ) async {
            let ids = delivery.slices.flatMap { $0.batch.ids[$0.range] }
            given.withLock { $0.append(ids) }
            #expect(ids.count == delivery.count && delivery.slices.allSatisfy { !$0.range.isEmpty })
            for (count, outcome) in script { report(count, outcome) }
        }
    }

    private struct Answer: Hashable {
        var count: Int
        var outcome: DeliveryOutcome
    }

    /// A batch of one event a letter, ids from `first`: types `t.LETTER`, aggregates in capitals.
    private func batch(_ letters: String, first: Int64 = 1) throws -> EventBatch {
        var builder = EventBatchBuilder(source: "/outbox")
        for (offset, letter) in letters.enumerated() {
            try EventFixture(
                id: first + Int64(offset), aggregateType: letter.uppercased(), eventType: "t.\(letter)"
            ).append(to: &builder)
        }
        return builder.finish()
    }

    private func deliver(
        _ slices: [Delivery.Slice], to sink: ScriptedSink,
        _ filter: EventFilter = EventFilter(types: .init(include: ["t.a"]))
    ) async -> [Answer] {
        let answers = Mutex<[Answer]>([])
        await FilteringSink(sink, filter).deliver(Delivery(slices: slices)) { count, outcome in
            answers.withLock { $0.append(Answer(count: count, outcome: outcome)) }
        }
        return answers.withLock(\.self)
    }

    private func slices(_ letters: String...) throws -> [Delivery.Slice] {
        var first: Int64 = 1
        return try letters.map { letters in
            defer { first += Int64(letters.count) }
            return Delivery.Slice(batch: try batch(letters, first: first), range: 0..<letters.count)
        }
    }

    @Test func onlyWhatPassesReachesTheSink() async throws {
        let sink = ScriptedSink([(3, .delivered)])
        let answers = await deliver(try slices("bab", "ba", "ab"), to: sink)
        #expect(sink.given.withLock(\.self) == [[2, 5, 6]])
        #expect(answers == [Answer(count: 1, outcome: .delivered), Answer(count: 6, outcome: .delivered)])
    }

    @Test func whereNothingPassesTheSinkIsNotTouched() async throws {
        let sink = ScriptedSink()
        #expect(await deliver(try slices("bb", "c"), to: sink) == [Answer(count: 3, outcome: .delivered)])
        #expect(sink.given.withLock(\.self).isEmpty)
    }

    @Test func whereAllPassesAnswersStayAsTheyAre() async throws {
        let sink = ScriptedSink([(1, .delivered), (2, .delivered), (1, .retry(after: nil, reason: "r"))])
        let answers = await deliver(try slices("aaaa"), to: sink)
        #expect(answers.map(\.count) == [1, 2, 1])
        #expect(answers.last?.outcome == .retry(after: nil, reason: "r"))
    }

    @Test func aFailureSpeaksOfTheEventThatFailed() async throws {
        // a b a b b a b: the third that passes fails.
        let sink = ScriptedSink([(1, .delivered), (1, .delivered), (1, .rejected(reason: "no"))])
        let answers = await deliver(try slices("babab", "bab"), to: sink)
        #expect(sink.given.withLock(\.self) == [[2, 4, 7]])
        #expect(answers.map(\.count) == [1, 2, 3, 1])
        #expect(answers.last?.outcome == .rejected(reason: "no"))
    }

    @Test func whatIsFilteredOutBehindAFailureHasNoAnswer() async throws {
        let sink = ScriptedSink([(2, .retry(after: .seconds(1), reason: "down"))])
        let answers = await deliver(try slices("abab"), to: sink)
        #expect(answers == [Answer(count: 3, outcome: .retry(after: .seconds(1), reason: "down"))])
    }

    @Test func partsOfASliceAreNarrowed() async throws {
        let whole = try batch("aabaa")
        let sink = ScriptedSink([(2, .delivered)])
        let answers = await deliver([Delivery.Slice(batch: whole, range: 1..<4)], to: sink)
        #expect(sink.given.withLock(\.self) == [[2, 4]])
        #expect(answers.map(\.count) == [3])
    }

    @Test(arguments: [
        (EventFilter(), [1, 2, 3]),
        (EventFilter(types: .init(include: ["t.*"], exclude: ["*.b"])), [1, 3]),
        (EventFilter(types: .init(exclude: ["t.a", "*c"])), [2]),
        (EventFilter(aggregates: .init(include: ["B", "C"])), [2, 3]),
        (EventFilter(types: .init(include: ["t.b", "t.c"]), aggregates: .init(exclude: ["C"])), [2]),
    ])
    func typesAndAggregates(_ filter: EventFilter, _ passing: [Int64]) async throws {
        let sink = ScriptedSink()
        _ = await deliver(try slices("abc"), to: sink, filter)
        #expect(sink.given.withLock(\.self) == [passing])
    }
}
