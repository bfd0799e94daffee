/// What is known when the start of a new sink is to be fixed.
package struct StartFacts: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    package var absent: IDRanges
    /// Every id at or below is closed, known before the rows were read.
    package var closedThrough: Int64
    /// Whoever held the sequence at the session's first scan is gone.
    package var firstScanIsOver: Bool
    /// The lowest row of the unpublished leaf.
    package var oldestUnpublished: Int64?
    /// The highest committed row below `oldestUnpublished`, in either leaf.
    package var rowBelowOldest: Int64?
    /// The highest committed row at or below `closedThrough`, in either leaf.
    package var highestClosedRow: Int64?
    /// The lowest committed row, in either leaf.
    package var lowestRow: Int64?
    /// The sequence's first value: a row that has it has nothing below.
    package var sequenceStart: Int64

    package init(
        sinks: [SinkRegistration], absent: IDRanges, closedThrough: Int64, firstScanIsOver: Bool,
        oldestUnpublished: Int64?, rowBelowOldest: Int64?, highestClosedRow: Int64?, lowestRow: Int64?,
        sequenceStart: Int64
    ) {
        self.sinks = sinks
        self.absent = absent
        self.closedThrough = closedThrough
        self.firstScanIsOver = firstScanIsOver
        self.oldestUnpublished = oldestUnpublished
        self.rowBelowOldest = rowBelowOldest
        self.highestClosedRow = highestClosedRow
        self.lowestRow = lowestRow
        self.sequenceStart = sequenceStart
    }
}

/// Where a new sink begins.
package struct FixedStart: Hashable, Sendable {
    package var cursor: Int64
    /// Rows up to here are passed without being delivered.
    package var passThrough: Int64?

    /// Nil while it cannot be said yet: an open transaction may still bring a lower id.
    ///
    /// `oldest` is fixed once the holders of the session's first scan are gone, or at once where an earned cursor or a
    /// row at the very bottom decides it. `latest` begins at the lowest cursor and passes what lies below without
    /// delivering it, so that no cursor jumps over rows that were never settled.
    package init?(of sink: SinkRegistration, _ facts: StartFacts) {
        let hasEarned = facts.sinks.earnedCursor > 0
        switch sink.start {
        case nil:
            return nil
        case .oldest:
            let isBottom = facts.lowestRow == facts.sequenceStart && facts.oldestUnpublished == facts.lowestRow
            guard facts.firstScanIsOver || hasEarned || isBottom else { return nil }
            if let oldest = facts.oldestUnpublished, oldest <= facts.closedThrough {
                cursor = facts.rowBelowOldest ?? 0
            } else {
                cursor = facts.highestClosedRow ?? 0
            }
        case .latest:
            guard facts.firstScanIsOver || hasEarned else { return nil }
            let target = facts.highestClosedRow ?? 0
            var from = target
            for other in facts.sinks where other.name != sink.name {
                from = min(from, other.isFixed ? other.cursor : 0)
            }
            if let oldest = facts.oldestUnpublished, oldest <= from { from = facts.rowBelowOldest ?? 0 }
            cursor = from
            if from < target { passThrough = target }
        }
    }

    /// The ranges as they are to stand once the start is fixed.
    ///
    /// - Parameter missing: the ids in `lowestCursor < id <= cursor` that stand in neither leaf, where `lowestCursor` is
    ///   the lowest cursor afterwards.
    package func ranges(of sink: String, _ facts: StartFacts, missing: IDRanges) -> IDRanges {
        var after = facts.sinks
        if let index = after.firstIndex(where: { $0.name == sink }) {
            after[index].cursor = cursor
            after[index].start = nil
        }
        let span = after.cursorSpan
        return facts.absent.union(missing).clamped(above: span.low, through: span.high)
    }
}
