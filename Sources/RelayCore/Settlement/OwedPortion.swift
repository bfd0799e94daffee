/// What is owed to one sink, as far as its lane takes it on at once: the lowest of it.
package struct OwedPortion: Hashable, Sendable {
    /// How many rows of each kind a portion holds at most.
    package static let limit = 1000

    /// Not delivered yet, ascending.
    package var waiting: [Int64]
    /// Delivered, and the row could not move, ascending.
    package var delivered: [Int64]
    /// More is owed than this.
    package var isPart: Bool

    package init(waiting: [Int64] = [], delivered: [Int64] = [], isPart: Bool = false) {
        self.waiting = waiting
        self.delivered = delivered
        self.isPart = isPart
    }
}

extension [String: OwedPortion] {
    /// The portions of entries that are all there are.
    package init(whole entries: [OwedEntry]) {
        self.init()
        for entry in entries.sorted(by: { $0.id < $1.id }) {
            if entry.isDelivered {
                self[entry.sink, default: OwedPortion()].delivered.append(entry.id)
            } else {
                self[entry.sink, default: OwedPortion()].waiting.append(entry.id)
            }
        }
    }
}
