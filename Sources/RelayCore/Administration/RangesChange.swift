/// What becomes of the ranges of absent ids when cursors are set.
///
/// Between the lowest cursor as it is to be and as it was, ids were passed that nobody has noted as absent. All of them
/// become one range, but for those with an owed entry, which speaks for its id. That range spans rows that are published,
/// and no harm comes of it (decision 13): a range is asked only about rows that are not. So nothing of the table is read,
/// however far back a cursor is set.
///
/// Ranges above the highest cursor stay, where it was set back: nobody is past them, so nobody is owed what turns up
/// there, and lanes that pass them once more would write them anew.
package struct RangesChange: Hashable, Sendable {
    /// Of the standing ranges stays what lies above; nil: nothing, since no sink is left.
    package let keptAbove: Int64?
    /// The new range, less the ids that are owed: `low < id <= high`; nil where none is due.
    package let added: AbsentSpan?

    package init(from before: [SinkRegistration], to after: [SinkRegistration]) {
        let (old, new) = (before.cursorSpan, after.cursorSpan)
        keptAbove = after.isEmpty ? nil : max(old.low, new.low)
        let through = min(old.low, new.high)
        // Before the first sink nobody had passed anything.
        added = !before.isEmpty && new.low < through ? AbsentSpan(low: new.low, high: through) : nil
    }

    /// The new ranges.
    ///
    /// - Parameter owed: the ids of ``added`` that have an owed entry, ascending.
    package func newRanges(owed: [Int64]) -> IDRanges {
        guard let added else { return IDRanges() }
        return IDRanges.absent(above: added.low, through: added.high, present: owed)
    }

    /// The ranges as they are afterwards.
    package func applied(to standing: IDRanges, owed: [Int64]) -> IDRanges {
        guard let keptAbove else { return IDRanges() }
        return standing.clamped(above: keptAbove, through: .max).union(newRanges(owed: owed))
    }
}
