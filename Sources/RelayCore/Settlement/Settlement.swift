/// Which cursors go forward and which rows are published: the decision of one settling transaction.
///
/// A cursor is only ever raised, and only over rows that were delivered, so that nothing beyond it is in doubt. Every id
/// that a lane passed as absent is looked at once more in the transaction that takes the cursor over it: what is there
/// now is owed, what is not becomes a range. A row is published once every registered sink has it: its cursor is past
/// the row, the row lies in no range and is not owed.
package struct Settlement: Sendable {
    private let facts: SettlementFacts
    private let lanes: [LaneProgress]

    private let unparked: [UnparkedEvent]

    /// - Parameter unparked: events that the database cannot park: no cursor passes them.
    package init(facts: SettlementFacts, lanes: [LaneProgress], unparked: [UnparkedEvent] = []) {
        self.facts = facts
        self.unparked = unparked
        // Answers to an older generation count for nothing.
        self.lanes = lanes.filter { lane in
            facts.sinks.contains { $0.name == lane.sink && $0.generation == lane.generation && $0.isFixed }
        }.map { lane in
            let ids = Set(unparked.lazy.filter { $0.sink == lane.sink }.map(\.id))
            guard !ids.isEmpty else { return lane }
            var lane = lane
            lane.owedDone.removeAll(where: ids.contains)
            lane.parked.removeAll { ids.contains($0.id) }
            return lane
        }
    }

    /// The writes that the facts allow.
    package func decide() -> SettlementWrites {
        var caps: [String: Int64] = [:]
        for event in unparked { caps[event.sink] = min(caps[event.sink] ?? event.id, event.id) }
        var kept: Set<OwedEntry> = []
        var lockedRow: Int64?
        while true {
            var attempt = Attempt(facts: facts, lanes: lanes, caps: caps, kept: kept)
            let locked = attempt.run()
            lockedRow = lockedRow ?? locked.first
            guard let row = locked.first(where: { lower(below: $0, attempt, &caps, &kept) }) else {
                attempt.writes.lockedRow = lockedRow
                return attempt.writes
            }
            _ = row
        }
    }

    /// A locked row would have moved: stop the cursors below it, or keep its entry. False if neither applies.
    private func lower(
        below row: Int64, _ attempt: Attempt, _ caps: inout [String: Int64], _ kept: inout Set<OwedEntry>
    ) -> Bool {
        var changed = false
        for lane in lanes {
            let old = attempt.oldCursor(lane.sink)
            if old < row, attempt.raised(lane.sink) >= row, caps[lane.sink].map({ $0 > row }) ?? true {
                caps[lane.sink] = row
                changed = true
            }
        }
        if changed { return true }
        for entry in facts.owed where entry.id == row {
            let key = OwedEntry(sink: entry.sink, id: row)
            if attempt.removes(key), kept.insert(key).inserted { changed = true }
        }
        return changed
    }
}
