import Synchronization

/// A sink that gets only the events that pass a filter.
///
/// What is filtered out counts as delivered in its turn: no later than the events before it, and without touching the
/// sink. The contract of ``Sink`` holds on both sides.
package struct FilteringSink: Sink {
    private let base: any Sink
    private let filter: EventFilter

    /// Puts a filter before a sink.
    package init(_ base: any Sink, _ filter: EventFilter) {
        self.base = base
        self.filter = filter
    }

    package var name: String { base.name }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) { try await base.open(outbox) }

    package func close() async { await base.close() }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        var filtered = FilteredDelivery(delivery, filter)
        let before = filtered.takeFilteredOut()
        if before > 0 { report(before, .delivered) }
        guard let passing = filtered.passing else { return }
        let answers = Mutex(filtered)
        await base.deliver(passing) { count, outcome in
            let covered = answers.withLock { $0.answered(count, isDelivered: outcome == .delivered) }
            report(covered, outcome)
        }
    }
}
