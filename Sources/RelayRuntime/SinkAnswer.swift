import RelayCore

/// One answer of a sink, on its way to the actor that waits for it.
struct SinkAnswer: Sendable {
    var count: Int
    var outcome: DeliveryOutcome
}

/// Delivers, and feeds the answers as they come.
func send(_ delivery: Delivery, to sink: any Sink, _ feed: AsyncStream<SinkAnswer>.Continuation) async {
    await sink.deliver(delivery) { count, outcome in feed.yield(SinkAnswer(count: count, outcome: outcome)) }
    feed.finish()
}
