/// How one lane treats its sink.
package struct LanePolicy: Hashable, Sendable {
    /// Which events may be with the sink at once. Not `--order`, which is the relay's.
    package enum Order: Hashable, Sendable {
        /// One delivery at a time, in ascending id.
        case id
        /// Events of one key in ascending id, those of different keys side by side.
        ///
        /// - Parameters:
        ///   - concurrency: deliveries at once, at least 1.
        ///   - batch: events of one delivery, at least 1.
        case key(concurrency: Int, batch: Int)
    }

    /// What becomes of an event that the sink will never accept.
    package enum OnReject: String, CaseIterable, Sendable {
        /// The lane (with order by key: the key) waits, and tries again now and then.
        case block
        /// The event is parked and the lane goes on.
        case park
        /// The event is parked, and so are later ones of its key, until it is retried or discarded.
        case parkKey = "park-key"
    }

    package var order: Order
    package var onReject: OnReject
    package var retry: RetryPolicy

    package init(order: Order = .id, onReject: OnReject = .block, retry: RetryPolicy = RetryPolicy()) {
        self.order = order
        self.onReject = onReject
        self.retry = retry
    }

    /// Whether the lane must know the keys of its rows.
    package var needsKeys: Bool {
        if case .key = order { true } else { onReject == .parkKey }
    }
}
