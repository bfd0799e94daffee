import RelayCore

/// Which events of a delivery have had their answer; the next answer speaks of those that follow.
struct AnsweredEvents: Sendable {
    private let delivery: Delivery
    private var slice = 0
    /// Of the slice, how many.
    private var ofSlice = 0

    init(_ delivery: Delivery) {
        self.delivery = delivery
    }

    /// Takes an answer for the next `count` events, as far as there are so many, and gives out when each was created, in
    /// microseconds since the Unix epoch.
    mutating func take(_ count: Int, _ body: (Int64) -> Void) {
        var left = count
        while left > 0, slice < delivery.slices.count {
            let current = delivery.slices[slice]
            let taken = min(left, current.range.count - ofSlice)
            let first = current.range.lowerBound + ofSlice
            let created = current.batch.createdAt
            for index in first..<first + taken { body(created[index]) }
            left -= taken
            ofSlice += taken
            if ofSlice == current.range.count { (slice, ofSlice) = (slice + 1, 0) }
        }
    }
}

/// How long ago that was, in nanoseconds: nothing for what the clocks of two machines put into the future, and no more than
/// 292 years.
func nanoseconds(from created: Int64, to now: Int64) -> Int64 {
    let (microseconds, isTooLong) = now.subtractingReportingOverflow(created)
    if isTooLong { return now < created ? 0 : .max }
    let (nanoseconds, isBeyond) = microseconds.multipliedReportingOverflow(by: 1000)
    return microseconds <= 0 ? 0 : isBeyond ? .max : nanoseconds
}
