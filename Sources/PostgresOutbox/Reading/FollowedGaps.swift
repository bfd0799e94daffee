import RelayCore

/// The gaps between the rows that somebody who follows the outbox has seen: ids of transactions that may still commit.
///
/// Unlike a relay, which waits, whoever only looks is shown what is visible; what turns up in a gap is shown then. A gap is
/// forgotten once the transactions that may have drawn its ids are over (``ClosedHorizon``), and the lowest where there
/// are too many.
package struct FollowedGaps: Sendable {
    /// Gaps that are kept.
    package static let limit = 10_000

    package private(set) var open = IDRanges()
    /// Everything that was visible at or below was seen.
    package private(set) var passed: Int64
    /// Whether there were too many gaps: what turns up in one that was forgotten is missed.
    package private(set) var hasForgotten = false
    private var horizon = ClosedHorizon()

    /// - Parameter after: only rows above are looked at.
    package init(after: Int64) {
        passed = after
        beginSession()
    }

    /// Another session begins: what the one before knew of open transactions is worth nothing.
    package mutating func beginSession() {
        horizon = ClosedHorizon()
        horizon.begin(earnedCursor: 0)
    }

    /// Who had drawn ids; asked before the rows that are told of next are looked for.
    package mutating func scanned(_ scan: SequenceScan) {
        horizon.scanned(lastValue: scan.lastValue, holders: scan.holders)
    }

    /// The next rows, ascending, all of those above ``passed`` up to the last of them.
    package mutating func pass(_ ids: [Int64]) {
        guard let last = ids.last, last > passed else { return }
        let gaps = IDRanges.absent(above: passed, through: last, present: ids)
            .clamped(above: horizon.closedThrough, through: last)
        for gap in gaps.ranges { open.insert(gap) }
        passed = last
        if open.ranges.count > Self.limit {
            open.keepHighest(Self.limit)
            hasForgotten = true
        }
    }

    /// These have turned up.
    package mutating func fill(_ ids: [Int64]) {
        for id in ids { open.remove(id) }
    }

    /// The gaps were looked at since the last scan: what was closed then and is not there never will be.
    package mutating func closeGaps() {
        open = open.clamped(above: horizon.closedThrough, through: .max)
    }
}
