import Metrics
import MetricsTestKit
import RelayCore
import RelayObservability
import RelayTestKit
import Testing

@Suite("What is counted")
struct MetricsTests {
    @Test func answersOfASink() async throws {
        let metrics = TestMetrics()
        let sink = MeteredSink(
            AnsweringSink([
                (3, .delivered), (2, .delivered), (1, .retry(after: nil, reason: "503")), (1, .rejected(reason: "no")),
                (1, .blocked(reason: "full")), (1, .closed(reason: "gone")),
            ]), factory: metrics)
        await sink.deliver(try makeBatch(1...9).whole) { _, _ in }
        let ofSink = ("sink", "orders")
        #expect(metrics.counterTotal(label: "outbox_relay_events_delivered_total", dimensions: [ofSink]) == 5)
        let attempts = ["delivered", "outage", "rejected", "blocked", "closed"].map { outcome in
            metrics.counterTotal(
                label: "outbox_relay_delivery_attempts_total", dimensions: [ofSink, ("outcome", outcome)])
        }
        #expect(attempts == [2, 1, 1, 1, 1])
    }

    /// A sink that cannot be opened delivers nothing: that shows where others' refusals do.
    @Test(arguments: [(SinkError.Code.unavailable, "outage"), (.misconfigured, "blocked")])
    func aSinkThatCannotBeOpened(_ code: SinkError.Code, _ outcome: String) async throws {
        let metrics = TestMetrics()
        let sink = MeteredSink(ClosedSink(code: code), factory: metrics)
        await #expect(throws: SinkError(code, reason: "no")) {
            try await sink.open(OutboxPosition(lastValue: 0))
        }
        let attempts = metrics.counterTotal(
            label: "outbox_relay_delivery_attempts_total", dimensions: [("sink", "orders"), ("outcome", outcome)])
        #expect(attempts == 1)
    }

    /// What a filter keeps from the sink was never attempted.
    @Test func filteredEventsAreNoneOfIt() async throws {
        let metrics = TestMetrics()
        let sink = FilteringSink(
            MeteredSink(AnsweringSink([(1, .delivered)]), factory: metrics),
            EventFilter(types: .init(include: ["wanted"], exclude: [])))
        let batch = try makeBatch([
            EventFixture(id: 1, eventType: "other"), EventFixture(id: 2, eventType: "wanted"),
        ])
        await sink.deliver(batch.whole) { _, _ in }
        #expect(metrics.counterTotal(label: "outbox_relay_events_delivered_total") == 1)
    }

    /// Events of the years 2000 and 3000 in turn.
    private func batch(_ count: Int64) throws -> EventBatch {
        try makeBatch(
            (1...count).map { id in
                EventFixture(id: id, createdAt: id % 2 == 1 ? "2000-01-01 00:00:00+00" : "3000-01-01 00:00:00+00")
            })
    }

    /// Events with another answer than `delivered` are passed over, and so are those without one.
    @Test func latencyIsMeasuredOfWhatIsDelivered() async throws {
        let metrics = TestMetrics()
        let sink = MeteredSink(
            AnsweringSink([(1, .delivered), (1, .rejected(reason: "no")), (2, .delivered)]), factory: metrics)
        let (first, second) = (try batch(3), try batch(4))
        // The second slice begins within its batch.
        await sink.deliver(
            Delivery(slices: [.init(batch: first, range: 0..<3), .init(batch: second, range: 2..<4)])
        ) { _, _ in }
        let times = try metrics.expectTimer("outbox_relay_delivery_latency_seconds", [("sink", "orders")]).values
        let aYear: Int64 = 365 * 86_400 * 1_000_000_000
        #expect(times.count == 3)
        #expect(times.map { $0 > 20 * aYear } == [true, true, true])
        await sink.deliver(
            Delivery(slices: [.init(batch: second, range: 1..<2), .init(batch: second, range: 3..<4)])
        ) { _, _ in }
        let more = try metrics.expectTimer("outbox_relay_delivery_latency_seconds", [("sink", "orders")]).values
        // What the clocks of two machines put into the future took no time; of two events two had an answer.
        #expect(more.dropFirst(3).allSatisfy { $0 == 0 } && more.count == 4)
    }

    @Test func progressIsThatOfTheSinksName() async throws {
        let progress = DeliveryProgress()
        let sink = AnsweringSink([(3, .delivered), (1, .retry(after: nil, reason: "503"))])
        // Made anew, as for another configuration.
        for _ in 0..<2 {
            await MeteredSink(sink, progress: progress, factory: NOOPMetricsHandler.instance)
                .deliver(try makeBatch(1...9).whole) { _, _ in }
        }
        #expect(progress.readings["orders"]?.delivered == 6)
        #expect(progress.readings["orders"].map { $0.lastAt > 1_700_000_000_000 } == true)
        _ = progress.of("other")
        progress.keep(["orders"])
        #expect(progress.readings.mapValues(\.delivered) == ["orders": 6])
    }

    @Test func everyNameHasItsSentence() {
        #expect(MetricName.help.count == 18)
        #expect(MetricName.help.allSatisfy { $0.key.hasPrefix("outbox_relay_") && $0.value.hasSuffix(".") })
        #expect(MetricName.bounds.values.allSatisfy { $0 == $0.sorted() && Set($0).count == $0.count })
    }

    @Test func duplicatesAndLateEvents() {
        let metrics = TestMetrics()
        let counters = EventCounters(factory: metrics)
        counters.countLateEvent()
        counters.duplicates(of: "file")(4)
        #expect(metrics.counterTotal(label: "outbox_relay_late_events_total") == 1)
        #expect(
            metrics.counterTotal(label: "outbox_relay_duplicates_total", dimensions: [("sink", "file")]) == 4)
    }
}

/// Gives the same answers to every delivery.
private struct AnsweringSink: Sink {
    let name = "orders"
    private let answers: [(count: Int, outcome: DeliveryOutcome)]

    init(_ answers: [(count: Int, outcome: DeliveryOutcome)]) { self.answers = answers }

    func open(_ outbox: OutboxPosition) async throws(SinkError) {}
    func close() async {}

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        for answer in answers { report(answer.count, answer.outcome) }
    }
}

private struct ClosedSink: Sink {
    let code: SinkError.Code
    let name = "orders"

    func open(_ outbox: OutboxPosition) async throws(SinkError) { throw SinkError(code, reason: "no") }
    func close() async {}
    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {}
}
