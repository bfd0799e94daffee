/// The row that waits above a gap of the tail.
struct Gap: Hashable, Sendable {
    var waiting: Int64
    /// Why, and since when.
    var hold: StandingHold
    /// The row that cannot be read and was told of.
    var told: Int64?
    /// When a scan is wanted for it, where none is yet: mostly the ids below come by themselves before.
    var nextScan: Int64?

    /// Nothing tells when it may close: it is looked at again after a while.
    var isTimed: Bool {
        switch hold.cause {
        case .lockedRow, .aboveSequence, .unreadableRow: true
        case .transaction, .unknown: false
        }
    }

    var isAtUnreadableRow: Bool { if case .unreadableRow = hold.cause { true } else { false } }

    /// The same with its clock set back, for an exploration.
    mutating func foldClock(_ now: Int64) {
        hold.foldClock()
        nextScan = nextScan.map { max(0, $0 - now) }
    }
}
