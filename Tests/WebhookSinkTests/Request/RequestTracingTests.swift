import MetricsTestKit
import RelayCore
import RelayTestKit
import RelayTracing
import SinkConformance
import Testing
import TraceContext
import Tracing
import WebhookReceiver
import WebhookSink

@Suite("The trace of a webhook's request", .timeLimit(.minutes(2)))
struct RequestTracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let producer = "00-\(trace)-00f067aa0ba902b7-01"

    private let queue = SpanQueue(factory: TestMetrics())

    /// An event of a producer that traces.
    private func event(
        _ id: Int64 = 1, traceparent: String = Self.producer, tracestate: String = "rojo=1"
    ) -> EventFixture {
        EventFixture(id: id, headers: #"{"traceparent": "\#(traceparent)", "tracestate": "\#(tracestate)"}"#)
    }

    /// What the receiver gets of some events.
    private func received(
        _ events: [EventFixture], traced: Bool, _ receiver: WebhookReceiver,
        _ change: (inout WebhookSettings) -> Void = { _ in }
    ) async throws -> [ReceivedRequest] {
        let sink = WebhookSink(receiver.settings(change), tracer: traced ? RelayTracer(to: queue) : nil)
        try await sink.open(OutboxPosition(lastValue: 0))
        _ = await sink.answers(to: try makeBatch(events).whole)
        await sink.close()
        return receiver.requests
    }

    /// The same from a receiver of its own.
    private func received(
        _ events: [EventFixture], traced: Bool, _ change: (inout WebhookSettings) -> Void = { _ in }
    ) async throws -> [ReceivedRequest] {
        let receiver = try await WebhookReceiver()
        let requests = try await received(events, traced: traced, receiver, change)
        await receiver.stop()
        return requests
    }

    @Test(arguments: WebhookSettings.ContentMode.allCases)
    func theSpanIsAChildOfTheProducers(_ mode: WebhookSettings.ContentMode) async throws {
        let requests = try await received([event()], traced: true) { $0.contentMode = mode }
        let request = try #require(requests.first)
        let span = try #require(queue.take().first)
        #expect(request["traceparent"] == "00-\(Self.trace)-\(span.context.spanID)-01")
        #expect(request["tracestate"] == "rojo=1")
        // What the event carries stays as the producer wrote it.
        switch mode {
        case .structured: #expect(request.text.contains(#""traceparent":"\#(Self.producer)","tracestate":"rojo=1""#))
        case .binary: #expect(request["ce-traceparent"] == Self.producer && request["ce-tracestate"] == "rojo=1")
        }
        #expect(span.parent.map { "\($0.spanID)" } == "00f067aa0ba902b7")
        #expect(span.name == "send hook" && span.kind == .client && span.status == nil)
        #expect(span.attributes.get("outbox.id") == .int64(1))
        #expect(span.attributes.get("http.request.method") == .string("POST"))
        #expect(span.attributes.get("http.response.status_code") == .int64(200))
        #expect(span.attributes.get("url.scheme") == .string("http"))
        #expect(span.attributes.get("server.address") == .string("127.0.0.1"))
        #expect(span.attributes.get("server.port") != nil && span.attributes.get("error.type") == nil)
    }

    @Test func eachEventHasASpan() async throws {
        let requests = try await received((1...3).map { event($0) }, traced: true)
        let spans = queue.take()
        #expect(requests.map { $0["traceparent"] } == spans.map { "00-\(Self.trace)-\($0.context.spanID)-01" })
        #expect(Set(spans.map(\.context.spanID)).count == 3)
    }

    @Test func severalInOneRequestAreLinked() async throws {
        let other = event(2, traceparent: Self.producer.replacing("-00f0", with: "-11f0"))
        let requests = try await received([event(1), other, EventFixture(id: 3)], traced: true) { $0.batch = 10 }
        let span = try #require(queue.take().first)
        let traceparent = try #require(requests.first?["traceparent"])
        #expect(requests.count == 1 && traceparent == "00-\(span.context.traceID)-\(span.context.spanID)-01")
        #expect(span.parent == nil && "\(span.context.traceID)" != Self.trace)
        #expect(requests.first?.values("tracestate") == [])
        #expect(span.links.map { "\($0.spanID)" } == ["00f067aa0ba902b7", "11f067aa0ba902b7"])
        #expect(span.attributes.get("messaging.batch.message_count") == .int64(3))
    }

    /// The last event of a batch travels alone: it has one parent.
    @Test func oneThatIsAloneInItsRequestHasItsParent() async throws {
        let requests = try await received((1...3).map { event($0) }, traced: true) { $0.batch = 2 }
        #expect(requests.map { $0["webhook-id"] } == ["1-2", "3-3"])
        #expect(queue.take().map { $0.parent != nil } == [false, true])
    }

    @Test func eachAttemptIsASpan() async throws {
        let receiver = try await WebhookReceiver { _ in ReceiverAnswer(503, body: "busy") }
        _ = try await received([event()], traced: true, receiver)
        receiver.answer { _ in ReceiverAnswer(410) }
        _ = try await received([event()], traced: true, receiver)
        receiver.answer { _ in .hangUp }
        let requests = try await received([event()], traced: true, receiver)
        let spans = queue.take()
        #expect(requests.map { $0["traceparent"] } == spans.map { "00-\(Self.trace)-\($0.context.spanID)-01" })
        #expect(spans.map { $0.attributes.get("error.type") } == [.string("503"), .string("410"), .string("outage")])
        #expect(spans.map { $0.attributes.get("http.response.status_code") } == [.int64(503), .int64(410), nil])
        #expect(spans.allSatisfy { $0.status?.code == .error && $0.status?.message?.contains("127.0.0.1") == true })
        await receiver.stop()
    }

    @Test func aHalvedRequestIsASpanEach() async throws {
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "1-2" ? 400 : 200) }
        _ = try await received([event(1), event(2)], traced: true, receiver) { $0.batch = 2 }
        #expect(queue.take().map { $0.status?.code } == [.error, nil, nil])
        await receiver.stop()
    }

    @Test func whoDoesNotWantToBeRecordedIsNotButIsPassedOn() async throws {
        let unsampled = event(traceparent: "00-\(Self.trace)-00f067aa0ba902b7-00")
        let requests = try await received([unsampled], traced: true)
        let request = try #require(requests.first)
        let parent = try #require(request["traceparent"].flatMap { TraceParent($0) })
        #expect("\(parent.traceID)" == Self.trace && "\(parent.spanID)" != "00f067aa0ba902b7")
        #expect(parent.flags == TraceFlags())
        #expect(queue.count == 0)
    }

    private static let invalid: [String] = [
        "", "nonsense", "ff-\(trace)-00f067aa0ba902b7-01", "00-\(trace.uppercased())-00f067aa0ba902b7-01",
    ]

    @Test(arguments: invalid)
    func whatIsNotValidBeginsAnew(_ traceparent: String) async throws {
        let requests = try await received([event(traceparent: traceparent)], traced: true)
        let request = try #require(requests.first)
        let span = try #require(queue.take().first)
        #expect(request["traceparent"] == "00-\(span.context.traceID)-\(span.context.spanID)-01")
        #expect(span.parent == nil && request.values("tracestate") == [])
        let forwarded = try await received([event(traceparent: traceparent)], traced: false)
        #expect(forwarded.map { $0.values("traceparent") } == [[]] && forwarded.map { $0.values("tracestate") } == [[]])
    }

    @Test func withoutATracerTheProducersIsPassedOn() async throws {
        let requests = try await received([event(), EventFixture(id: 2)], traced: false)
        #expect(requests.map { $0.values("traceparent") } == [[Self.producer], []])
        #expect(requests.map { $0.values("tracestate") } == [["rojo=1"], []])
        #expect(queue.count == 0)
    }

    @Test func withoutATracerABatchBelongsToNoTrace() async throws {
        let requests = try await received((1...3).map { event($0) }, traced: false) { $0.batch = 2 }
        #expect(requests.map { $0.values("traceparent") } == [[], [Self.producer]])
    }

    @Test(arguments: [true, false])
    func aConfiguredHeaderWins(traced: Bool) async throws {
        let own = "00-11111111111111111111111111111111-2222222222222222-01"
        let requests = try await received([event()], traced: traced) {
            $0.headers = [.init(name: "TraceParent", value: own)]
        }
        let request = try #require(requests.first)
        #expect(request.values("traceparent") == [own] && request.values("tracestate") == [])
    }

    @Test func aConfiguredStateWinsAlone() async throws {
        let requests = try await received([event()], traced: false) {
            $0.headers = [.init(name: "tracestate", value: "ours=1")]
        }
        let request = try #require(requests.first)
        #expect(request.values("traceparent") == [Self.producer] && request.values("tracestate") == ["ours=1"])
    }
}
