import RelayCore
import Synchronization

/// A sink, and somebody who hears how far it is. The contract of `Sink` holds on both sides.
struct WatchedSink: Sink {
    /// Told that `count` more events are delivered, and which was the last of them.
    typealias Heard = @Sendable (_ count: Int, _ lastID: Int64) -> Void

    private let base: any Sink
    private let opened: @Sendable (OutboxPosition) -> Void
    private let heard: Heard

    /// - Parameter opened: told where the outbox stands whenever the sink is opened.
    init(_ base: any Sink, opened: @escaping @Sendable (OutboxPosition) -> Void = { _ in }, heard: @escaping Heard) {
        self.base = base
        self.opened = opened
        self.heard = heard
    }

    var name: String { base.name }

    func open(_ outbox: OutboxPosition) async throws(SinkError) {
        try await base.open(outbox)
        opened(outbox)
    }

    func close() async { await base.close() }

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        let answered = Mutex(0)
        await base.deliver(delivery) { count, outcome in
            report(count, outcome)
            guard outcome == .delivered else { return }
            let done = answered.withLock { done in
                done += count
                return done
            }
            if let id = delivery.id(at: done - 1) { heard(count, id) }
        }
    }
}

extension Delivery {
    /// The id of an event, counted from the first of the delivery.
    fileprivate func id(at index: Int) -> Int64? {
        var rest = index
        for slice in slices {
            if rest < slice.range.count { return rest < 0 ? nil : slice.batch.ids[slice.range.lowerBound + rest] }
            rest -= slice.range.count
        }
        return nil
    }
}
