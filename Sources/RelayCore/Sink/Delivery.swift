/// The events that a lane hands to its sink at once, in ascending id.
///
/// They are in the batches in which they were read, shared with every other lane: a delivery names ranges of them
/// and copies nothing.
package struct Delivery: Sendable {
    /// Consecutive events of one batch.
    package struct Slice: Sendable {
        /// The batch that holds the events.
        package let batch: EventBatch
        /// Which of its events, by index.
        package let range: Range<Int>

        /// Names events of a batch; `range` lies within its indices.
        package init(batch: EventBatch, range: Range<Int>) {
            precondition(range.lowerBound >= 0 && range.upperBound <= batch.count)
            self.batch = batch
            self.range = range
        }
    }

    /// The events, in ascending id from the first slice to the last.
    package let slices: [Slice]
    /// How many events there are.
    package let count: Int
    /// How many bytes their JSON lines have, line ends included.
    package let byteCount: Int

    /// Makes a delivery of slices in ascending order of id.
    package init(slices: [Slice]) {
        self.slices = slices
        var count = 0
        var byteCount = 0
        for slice in slices {
            count += slice.range.count
            byteCount += slice.batch.lineBytes(slice.range).count
        }
        self.count = count
        self.byteCount = byteCount
    }
}

/// What became of events that were handed to a sink.
package enum DeliveryOutcome: Sendable, Hashable {
    /// They arrived, durably as far as the sink can know.
    case delivered
    /// An outage: try again, not before `after` where the far side asked for that.
    case retry(after: Duration?, reason: String)
    /// The sink will never accept this event; whether that blocks the lane or parks the event is the lane's matter.
    case rejected(reason: String)
    /// Nothing may be delivered before somebody has fixed what the reason names: not this event is wrong, but the
    /// place where it was to go. The lane waits, and tries again now and then.
    case blocked(reason: String)
    /// The sink is gone for good, like a pipe whose reader closed it.
    case closed(reason: String)
}
