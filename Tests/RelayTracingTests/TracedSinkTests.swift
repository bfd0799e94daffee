import MetricsTestKit
import RelayCore
import RelayTestKit
import Synchronization
import Testing
import TraceContext
import Tracing

@testable import RelayTracing

@Suite("Deliveries as spans")
struct TracedSinkTests {
    private let queue = SpanQueue(factory: TestMetrics())

    /// The span of a delivery.
    private func span(
        of batch: EventBatch, _ answers: [(count: Int, outcome: DeliveryOutcome)] = [(1, .delivered)]
    ) async throws -> SpanRecord {
        let sink = TracedSink(AnsweringSink(answers), by: RelayTracer(to: queue))
        let heard = Heard()
        await sink.deliver(batch.whole) { heard.add($0, $1) }
        #expect(heard.all == answers.map { SinkAnswer(count: $0.count, outcome: $0.outcome) })
        let spans = queue.take()
        #expect(spans.count == 1)
        return try #require(spans.first)
    }

    private func traceparent(_ number: Int, flags: String = "01") -> String {
        "00-\(String(repeating: "a", count: 32))-\(String(repeating: "0", count: 12))\(1000 + number)-\(flags)"
    }

    private func event(_ id: Int64, _ trace: Int?) -> EventFixture {
        EventFixture(id: id, headers: trace.map { #"{"traceparent": "\#(traceparent($0))"}"# } ?? "{}")
    }

    @Test func ofOneEventItIsAChildOfTheProducers() async throws {
        let span = try await span(of: try makeBatch([event(42, 7)]))
        #expect(span.name == "send orders" && span.kind == .client && span.status == nil)
        #expect(span.parent?.isRemote == true && "\(span.context.traceID)" == String(repeating: "a", count: 32))
        #expect(span.parent.map { "\($0.spanID)" } == "0000000000001007")
        #expect(span.links.isEmpty)
        let expected: SpanAttributes = [
            "messaging.system": "outbox_relay", "messaging.operation.name": "send", "messaging.operation.type": "send",
            "messaging.destination.name": "orders", "outbox.sink": "orders", "messaging.message.id": "42",
            "outbox.id": .int64(42), "cloudevents.event_type": "transfer.posted",
        ]
        #expect(span.attributes == expected)
    }

    @Test func ofOneWithoutATraceItIsARoot() async throws {
        let span = try await span(of: try makeBatch([event(42, nil)]))
        #expect(span.parent == nil && span.links.isEmpty)
    }

    @Test func ofSeveralItHasALinkToEach() async throws {
        let span = try await span(
            of: try makeBatch([event(1, 1), event(2, nil), event(3, 2), event(9, 1)]), [(4, .delivered)])
        #expect(span.parent == nil && "\(span.context.traceID)" != String(repeating: "a", count: 32))
        #expect(span.links.map { "\($0.spanID)" } == ["0000000000001001", "0000000000001002"])
        #expect(span.attributes.get("messaging.batch.message_count") == .int64(4))
        #expect(span.attributes.get("outbox.first_id") == .int64(1))
        #expect(span.attributes.get("outbox.last_id") == .int64(9))
        #expect(span.attributes.get("outbox.id") == nil && span.attributes.get("messaging.message.id") == nil)
    }

    @Test func linksAreBounded() async throws {
        let span = try await span(of: try makeBatch((0..<300).map { event(Int64($0), $0) }), [(300, .delivered)])
        #expect(span.links.count == 128)
        #expect(span.links.last.map { "\($0.spanID)" } == "0000000000001127")
    }

    @Test func whoDoesNotWantToBeRecordedIsNot() async throws {
        let batch = try makeBatch([EventFixture(headers: #"{"traceparent": "\#(traceparent(1, flags: "00"))"}"#)])
        let sink = TracedSink(AnsweringSink([(1, .delivered)]), by: RelayTracer(to: queue))
        await sink.deliver(batch.whole) { _, _ in }
        #expect(queue.count == 0)
    }

    private static let failures: [(DeliveryOutcome, String)] = [
        (.retry(after: nil, reason: "why"), "outage"), (.rejected(reason: "why"), "rejected"),
        (.blocked(reason: "why"), "blocked"), (.closed(reason: "why"), "closed"),
    ]

    @Test(arguments: failures)
    func whatFailsIsAnError(outcome: DeliveryOutcome, type: String) async throws {
        let span = try await span(of: try makeBatch(1...3), [(1, .delivered), (1, outcome)])
        #expect(span.status == SpanStatus(code: .error, message: "why"))
        #expect(span.attributes.get("error.type") == .string(type))
    }

    @Test func theRestPassesThrough() async throws {
        let base = AnsweringSink([])
        let sink = TracedSink(base, by: RelayTracer(to: queue))
        #expect(sink.name == "orders")
        await #expect(throws: SinkError(.unavailable, reason: "not there")) {
            try await sink.open(OutboxPosition(lastValue: 1))
        }
        await sink.close()
        #expect(queue.count == 0)
    }
}

/// What a lane hears.
private final class Heard: Sendable {
    private let answers = Mutex<[SinkAnswer]>([])
    var all: [SinkAnswer] { answers.withLock { $0 } }
    func add(_ count: Int, _ outcome: DeliveryOutcome) {
        answers.withLock { $0.append(SinkAnswer(count: count, outcome: outcome)) }
    }
}

/// Gives the same answers to every delivery, and cannot be opened.
private struct AnsweringSink: Sink {
    let name = "orders"
    private let answers: [(count: Int, outcome: DeliveryOutcome)]

    init(_ answers: [(count: Int, outcome: DeliveryOutcome)]) { self.answers = answers }

    func open(_ outbox: OutboxPosition) async throws(SinkError) {
        throw SinkError(.unavailable, reason: "not there")
    }
    func close() async {}

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        for answer in answers { report(answer.count, answer.outcome) }
    }
}
