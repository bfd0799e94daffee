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
