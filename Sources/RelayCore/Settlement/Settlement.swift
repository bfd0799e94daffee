/// What one lane brings to a settlement.
package struct LaneProgress: Hashable, Sendable {
    package var sink: String
    package var generation: Int64
    /// Ids above the stored cursor that the lane is done with, ascending, without a hole of something undone.
    package var done: [Int64]
    /// The last of `done` was passed, not delivered, so that the cursor would not be earned.
    package var endsPassed: Bool
    /// Owed rows that were delivered out of turn, ascending.
    package var lateDone: [Int64]
    /// Which of `done` and `lateDone` were parked, and why, ascending.
    package var parked: [Parking]
    /// Parked events that were tried again.
    package var retried: [ParkedRetry]
    /// Of a removed sink: above its cursor and up to here no row stands.
    package var passedThrough: Int64

    package init(
        sink: String, generation: Int64, done: [Int64], endsPassed: Bool = false, lateDone: [Int64] = [],
        parked: [Parking] = [], retried: [ParkedRetry] = [], passedThrough: Int64 = .min
    ) {
        self.sink = sink
        self.generation = generation
        self.done = done
        self.endsPassed = endsPassed
        self.lateDone = lateDone
        self.parked = parked
        self.retried = retried
        self.passedThrough = passedThrough
    }
}

/// Where a row stands for the settling transaction.
package enum RowPlace: Hashable, Sendable {
    /// In the unpublished leaf, and this transaction holds its lock.
    case unpublished
    /// In the unpublished leaf, but somebody else has it locked.
    case locked
    case published
}

/// Everything a settlement reads, in the transaction that writes it.
package struct SettlementFacts: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// The ranges that meet ``Settlement/span(of:_:)``.
    package var absent: IDRanges
    /// The entries whose ids lie in ``Settlement/span(of:_:)``.
    package var late: [LateEntry]
    /// Sinks that are being removed and are owed more than `late` tells.
    package var stillOwed: Set<String>
    /// Every id that is done somewhere, or was passed as absent by a lane whose cursor moves, and is visible in a leaf.
    /// One that is done and stands in none was deleted by somebody: the caller has judged that nothing went back.
    package var places: [Int64: RowPlace]

    package init(
        sinks: [SinkRegistration], absent: IDRanges, late: [LateEntry], stillOwed: Set<String> = [],
        places: [Int64: RowPlace]
    ) {
        self.sinks = sinks
        self.absent = absent
        self.late = late
        self.stillOwed = stillOwed
        self.places = places
    }
}

/// The ids between the lowest cursor and the highest.
package struct AbsentSpan: Hashable, Sendable {
    package var low: Int64
    package var high: Int64

    package init(low: Int64, high: Int64) {
        self.low = low
        self.high = high
    }
}

/// What a settlement writes.
package struct SettlementWrites: Hashable, Sendable {
    package struct Cursor: Hashable, Sendable {
        package var sink: String
        package var generation: Int64
        package var cursor: Int64
        package var isEarned: Bool
        /// The lane has passed what it was to pass, and delivers from here on.
        package var endsPassing: Bool
    }

    package var cursors: [Cursor] = []
    /// Rows to move to the published leaf, ascending.
    package var published: [Int64] = []
    package var lateEntered: [LateEntry] = []
    package var lateRemoved: [LateEntry] = []
    /// Entries whose row was delivered and could not move.
    package var lateKept: [LateEntry] = []
    /// What is to stand in the place of the ranges that were read; nil where nothing changes.
    package var absent: IDRanges?
    /// With a sink that ends, no range stands any more but above `low` and up to `high`.
    package var absentSpan: AbsentSpan?
    /// Removed sinks that have passed everything.
    package var ended: [String] = []
    /// Per sink, events to park, with a copy of their rows; in the transaction that counts them as done.
    package var parked: [String: [Parking]] = [:]
    /// Per sink, what became of parked events that were tried again.
    package var retried: [String: [ParkedRetry]] = [:]
    /// The lowest row that was to move and is locked by somebody else.
    package var lockedRow: Int64?
    /// Rows that cursors pass and that are not there any more, ascending.
    package var gone: [Int64] = []

    package var isEmpty: Bool {
        cursors.isEmpty && published.isEmpty && lateEntered.isEmpty && lateRemoved.isEmpty && lateKept.isEmpty
            && absent == nil && ended.isEmpty && parked.isEmpty && retried.isEmpty
    }
}

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
            lane.lateDone.removeAll(where: ids.contains)
            lane.parked.removeAll { ids.contains($0.id) }
            return lane
        }
    }

    /// The writes that the facts allow.
    package func decide() -> SettlementWrites {
        var caps: [String: Int64] = [:]
        for event in unparked { caps[event.sink] = min(caps[event.sink] ?? event.id, event.id) }
        var kept: Set<LateEntry> = []
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
        below row: Int64, _ attempt: Attempt, _ caps: inout [String: Int64], _ kept: inout Set<LateEntry>
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
        for entry in facts.late where entry.id == row {
            let key = LateEntry(sink: entry.sink, id: row)
            if attempt.removes(key), kept.insert(key).inserted { changed = true }
        }
        return changed
    }
}

extension Settlement {
    /// One try at the writes, with cursors stopped below `caps`.
    fileprivate struct Attempt {
        let facts: SettlementFacts
        let lanes: [LaneProgress]
        let caps: [String: Int64]
        let kept: Set<LateEntry>
        var writes = SettlementWrites()

        private var sinks: [SinkRegistration]
        private var raisedSinks: [SinkRegistration]
        private var owed: Set<LateEntry>
        /// Of what is owed, what the sink has: the row could not move.
        private let delivered: Set<LateEntry>
        private var cut = IDRanges()

        init(facts: SettlementFacts, lanes: [LaneProgress], caps: [String: Int64], kept: Set<LateEntry>) {
            self.facts = facts
            self.lanes = lanes
            self.caps = caps
            self.kept = kept
            sinks = facts.sinks
            raisedSinks = facts.sinks
            owed = Set(facts.late.map { LateEntry(sink: $0.sink, id: $0.id) })
            delivered = Set(facts.late.lazy.filter(\.isDelivered).map { LateEntry(sink: $0.sink, id: $0.id) })
        }

        func oldCursor(_ sink: String) -> Int64 { facts.sinks.first { $0.name == sink }?.cursor ?? 0 }
        /// Also of a sink that ends here.
        func raised(_ sink: String) -> Int64 { raisedSinks.first { $0.name == sink }?.cursor ?? 0 }
        func cursor(_ sink: String) -> Int64 { sinks.first { $0.name == sink }?.cursor ?? 0 }
        func removes(_ entry: LateEntry) -> Bool { !owed.contains(entry) }

        /// Fills `writes`; returns the rows that were to move and are locked, ascending.
        mutating func run() -> [Int64] {
            raiseCursors()
            var ranges = facts.absent
            for lane in lanes { ranges = lookAtWhatIsPassed(lane, ranges) }
            ranges = ranges.subtracting(cut)
            let span = sinks.cursorSpan
            ranges = ranges.clamped(above: span.low, through: span.high)
            let locked = publish(ranges)
            endLanes()
            let endSpan = sinks.cursorSpan
            ranges = ranges.clamped(above: endSpan.low, through: endSpan.high)
            if ranges != facts.absent { writes.absent = ranges }
            if !writes.ended.isEmpty { writes.absentSpan = AbsentSpan(low: endSpan.low, high: endSpan.high) }
            noteLateEntries()
            park()
            noteGone()
            return locked
        }

        private mutating func raiseCursors() {
            for lane in lanes {
                guard let index = sinks.firstIndex(where: { $0.name == lane.sink }) else { continue }
                let cap = caps[lane.sink]
                let reached = lane.done.last { id in cap.map { id < $0 } ?? true }
                if let reached, reached > sinks[index].cursor {
                    sinks[index].cursor = reached
                    let passed = lane.endsPassed && reached == lane.done.last
                    if !passed { sinks[index].isEarned = true }
                }
                for id in lane.lateDone {
                    let entry = LateEntry(sink: lane.sink, id: id)
                    if !kept.contains(entry) { owed.remove(entry) }
                }
            }
            raisedSinks = sinks
        }

        /// The ids that this settlement takes the lane's cursor over: what is there and was not delivered is owed,
        /// what is not there is a range.
        private mutating func lookAtWhatIsPassed(_ lane: LaneProgress, _ ranges: IDRanges) -> IDRanges {
            let old = oldCursor(lane.sink)
            let new = cursor(lane.sink)
            guard new > old else { return ranges }
            var result = ranges
            for range in IDRanges.absent(above: old, through: new, present: lane.done).ranges {
                result.insert(range)
            }
            // What is visible in such a hole turned up late; the facts name it.
            let holes = IDRanges.absent(above: old, through: new, present: lane.done)
            for id in facts.places.keys.sorted() where holes.contains(id) {
                if !facts.absent.contains(id) { result.remove(id) }
                let entry = LateEntry(sink: lane.sink, id: id)
                if facts.late.contains(where: { $0.sink == lane.sink && $0.id == id }) { continue }
                owed.insert(entry)
                oweToOthers(id, than: lane.sink)
            }
            // An entry that stands already speaks for its id.
            for entry in facts.late where entry.sink == lane.sink && holes.contains(entry.id) {
                if !facts.absent.contains(entry.id) { result.remove(entry.id) }
            }
            if !facts.absent.isEmpty {
                for id in lane.done where id <= new && id > old {
                    guard let place = facts.places[id], place != .published else { continue }
                    oweToOthers(id, than: lane.sink)
                }
            }
            return result
        }

        /// A row that lies in a range: those that were past it before this settlement lack it.
        private mutating func oweToOthers(_ id: Int64, than sink: String) {
            guard facts.absent.contains(id) else { return }
            cut.insert(id)
            for other in facts.sinks
            where other.name != sink && other.isFixed && !other.isRemoving && other.cursor >= id {
                owed.insert(LateEntry(sink: other.name, id: id))
            }
        }

        private mutating func publish(_ ranges: IDRanges) -> [Int64] {
            guard !sinks.isEmpty else { return [] }
            var locked: [Int64] = []
            var candidates = Set<Int64>()
            if lanes.count == 1, let lane = lanes.first, lane.lateDone.isEmpty {
                writes.published.reserveCapacity(lane.done.count)
                for id in lane.done { judge(id, ranges, &locked) }
            } else {
                for lane in lanes {
                    candidates.formUnion(lane.done)
                    candidates.formUnion(lane.lateDone)
                }
                for id in candidates.sorted() { judge(id, ranges, &locked) }
            }
            return locked
        }

        private mutating func judge(_ id: Int64, _ ranges: IDRanges, _ locked: inout [Int64]) {
            guard let place = facts.places[id], place != .published, !ranges.contains(id) else { return }
            for sink in sinks {
                guard sink.isFixed, sink.cursor >= id else { return }
                let entry = LateEntry(sink: sink.name, id: id)
                if !owed.isEmpty, owed.contains(entry), !delivered.contains(entry) { return }
            }
            guard place != .locked else { return locked.append(id) }
            writes.published.append(id)
            // A sink that nobody serves any more brings nothing of its own.
            if !delivered.isEmpty { for sink in sinks { owed.remove(LateEntry(sink: sink.name, id: id)) } }
        }

        private mutating func endLanes() {
            let staying = sinks.filter { !$0.isRemoving }
            let highest = staying.reduce(Int64(0)) { max($0, $1.isFixed ? $1.cursor : 0) }
            for sink in sinks {
                var ends = false
                if let target = sink.passThrough, sink.cursor >= target { ends = true }
                let old = oldCursor(sink.name)
                if sink.cursor > old || ends {
                    writes.cursors.append(
                        .init(
                            sink: sink.name, generation: sink.generation, cursor: sink.cursor,
                            isEarned: sink.isEarned, endsPassing: ends))
                }
                if sink.isRemoving,
                    staying.isEmpty
                        || (passed(sink) >= highest && !facts.stillOwed.contains(sink.name)
                            && !owed.contains { $0.sink == sink.name })
                {
                    writes.ended.append(sink.name)
                }
            }
            sinks.removeAll { writes.ended.contains($0.name) }
            owed = owed.filter { !writes.ended.contains($0.sink) }
        }

        /// A sink that is removed is level with the others where nothing stands between its cursor and theirs.
        private func passed(_ sink: SinkRegistration) -> Int64 {
            let lane = lanes.first { $0.sink == sink.name }
            return max(sink.cursor, lane.map { $0.done.isEmpty ? $0.passedThrough : .min } ?? .min)
        }

        /// Parked is what this settlement takes the cursor over, or marks as delivered late: not before, and never
        /// without a row.
        private mutating func park() {
            for lane in lanes {
                let (old, new) = (oldCursor(lane.sink), cursor(lane.sink))
                let lateDone = Set(lane.lateDone)
                let parked = lane.parked.filter { parking in
                    guard facts.places[parking.id] != nil else { return false }
                    return lateDone.contains(parking.id) || (parking.id > old && parking.id <= new)
                }
                if !parked.isEmpty { writes.parked[lane.sink] = parked }
                if !lane.retried.isEmpty { writes.retried[lane.sink] = lane.retried }
            }
        }

        private mutating func noteGone() {
            var gone = Set<Int64>()
            for lane in lanes {
                let (old, new) = (oldCursor(lane.sink), cursor(lane.sink))
                for id in lane.done where id > old && id <= new && facts.places[id] == nil { gone.insert(id) }
            }
            writes.gone = gone.sorted()
        }

        private mutating func noteLateEntries() {
            let before = Set(facts.late.map { LateEntry(sink: $0.sink, id: $0.id) })
            writes.lateRemoved = before.subtracting(owed).sorted { ($0.id, $0.sink) < ($1.id, $1.sink) }
            writes.lateEntered = owed.subtracting(before).sorted { ($0.id, $0.sink) < ($1.id, $1.sink) }
            writes.lateKept = kept.intersection(owed).sorted { ($0.id, $0.sink) < ($1.id, $1.sink) }
        }
    }
}

extension SettlementWrites {
    /// What the relay is told once this is written.
    package func settled(from facts: SettlementFacts, unparked: [UnparkedEvent] = []) -> SettledState {
        var sinks = facts.sinks.filter { !ended.contains($0.name) }
        for write in cursors {
            guard let index = sinks.firstIndex(where: { $0.name == write.sink }) else { continue }
            sinks[index].cursor = write.cursor
            sinks[index].isEarned = write.isEarned
            if write.endsPassing { sinks[index].passThrough = nil }
        }
        let kept = lateKept.map { LateEntry(sink: $0.sink, id: $0.id, isDelivered: true) }
        return SettledState(
            sinks: sinks, removed: lateRemoved, entered: lateEntered + kept, lockedRow: lockedRow, unparked: unparked,
            gone: gone)
    }
}
