/// One answer of a sink: what became of the next `count` events that had none.
package struct SinkAnswer: Hashable, Sendable {
    package var count: Int
    package var outcome: DeliveryOutcome

    package init(count: Int, outcome: DeliveryOutcome) {
        self.count = count
        self.outcome = outcome
    }
}

extension Sink {
    /// Delivers, and feeds the answers as they come.
    package func deliver(_ delivery: Delivery, _ feed: AsyncStream<SinkAnswer>.Continuation) async {
        await deliver(delivery) { count, outcome in feed.yield(SinkAnswer(count: count, outcome: outcome)) }
        feed.finish()
    }
}
