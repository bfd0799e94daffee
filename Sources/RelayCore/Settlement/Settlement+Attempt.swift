extension Settlement {
    /// One try at the writes, with cursors stopped below `caps`.
    struct Attempt {
        let facts: SettlementFacts
        let lanes: [LaneProgress]
        let caps: [String: Int64]
        let kept: Set<OwedEntry>
        var writes = SettlementWrites()

        private var sinks: [SinkRegistration]
        private var raisedSinks: [SinkRegistration]
        private var owed: Set<OwedEntry>
        /// Of what is owed, what the sink has: the row could not move.
        private let delivered: Set<OwedEntry>
        private var cut = IDRanges()

        init(facts: SettlementFacts, lanes: [LaneProgress], caps: [String: Int64], kept: Set<OwedEntry>) {
            self.facts = facts
            self.lanes = lanes
            self.caps = caps
            self.kept = kept
            sinks = facts.sinks
            raisedSinks = facts.sinks
            owed = Set(facts.owed.map { OwedEntry(sink: $0.sink, id: $0.id) })
            delivered = Set(facts.owed.lazy.filter(\.isDelivered).map { OwedEntry(sink: $0.sink, id: $0.id) })
        }

        func oldCursor(_ sink: String) -> Int64 { facts.sinks.first { $0.name == sink }?.cursor ?? 0 }
        /// Also of a sink that ends here.
        func raised(_ sink: String) -> Int64 { raisedSinks.first { $0.name == sink }?.cursor ?? 0 }
        func cursor(_ sink: String) -> Int64 { sinks.first { $0.name == sink }?.cursor ?? 0 }
        func removes(_ entry: OwedEntry) -> Bool { !owed.contains(entry) }

        /// Fills `writes`; returns the rows that were to move and are locked, ascending.
        mutating func run() -> [Int64] {
            raiseCursors()
            var ranges = facts.absent
            for lane in lanes { ranges = passOver(lane, ranges) }
            ranges = ranges.subtracting(cut)
            let span = sinks.cursorSpan
            ranges = ranges.clamped(above: span.low, through: span.high)
            let locked = publish(ranges)
            endLanes()
            let endSpan = sinks.cursorSpan
            ranges = ranges.clamped(above: endSpan.low, through: endSpan.high)
            if ranges != facts.absent { writes.absent = ranges }
            if !writes.ended.isEmpty { writes.absentSpan = AbsentSpan(low: endSpan.low, high: endSpan.high) }
            noteOwedEntries()
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
                for id in lane.owedDone {
                    let entry = OwedEntry(sink: lane.sink, id: id)
                    if !kept.contains(entry) { owed.remove(entry) }
                }
            }
            raisedSinks = sinks
        }

        /// The ids that this settlement takes the lane's cursor over: what is there and was not delivered is owed,
        /// what is not there is a range.
        private mutating func passOver(_ lane: LaneProgress, _ ranges: IDRanges) -> IDRanges {
            let old = oldCursor(lane.sink)
            let new = cursor(lane.sink)
            guard new > old else { return ranges }
            let skipped = IDRanges.absent(above: old, through: new, present: lane.done)
            var result = ranges
            for range in skipped.ranges { result.insert(range) }
            // What is visible among them turned up late; the facts name it.
            for id in facts.places.keys.sorted() where skipped.contains(id) {
                if !facts.absent.contains(id) { result.remove(id) }
                let entry = OwedEntry(sink: lane.sink, id: id)
                if facts.owed.contains(where: { $0.sink == lane.sink && $0.id == id }) { continue }
                owed.insert(entry)
                oweToOthers(id, than: lane.sink)
            }
            // An entry that stands already speaks for its id.
            for entry in facts.owed where entry.sink == lane.sink && skipped.contains(entry.id) {
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
                owed.insert(OwedEntry(sink: other.name, id: id))
            }
        }

        private mutating func publish(_ ranges: IDRanges) -> [Int64] {
            guard !sinks.isEmpty else { return [] }
            var locked: [Int64] = []
            var candidates = Set<Int64>()
            if lanes.count == 1, let lane = lanes.first, lane.owedDone.isEmpty {
                writes.published.reserveCapacity(lane.done.count)
                for id in lane.done { publishIfComplete(id, ranges, &locked) }
            } else {
                for lane in lanes {
                    candidates.formUnion(lane.done)
                    candidates.formUnion(lane.owedDone)
                }
                for id in candidates.sorted() { publishIfComplete(id, ranges, &locked) }
            }
            return locked
        }

        private mutating func publishIfComplete(_ id: Int64, _ ranges: IDRanges, _ locked: inout [Int64]) {
            guard let place = facts.places[id], place != .published, !ranges.contains(id) else { return }
            for sink in sinks {
                guard sink.isFixed, sink.cursor >= id else { return }
                let entry = OwedEntry(sink: sink.name, id: id)
                if !owed.isEmpty, owed.contains(entry), !delivered.contains(entry) { return }
            }
            guard place != .locked else { return locked.append(id) }
            writes.published.append(id)
            // A sink that nobody serves any more brings nothing of its own.
            if !delivered.isEmpty { for sink in sinks { owed.remove(OwedEntry(sink: sink.name, id: id)) } }
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
                let owedDone = Set(lane.owedDone)
                let parked = lane.parked.filter { parking in
                    guard facts.places[parking.id] != nil else { return false }
                    return owedDone.contains(parking.id) || (parking.id > old && parking.id <= new)
                }
                if !parked.isEmpty { writes.parked[lane.sink] = parked }
                // One that is parked anew stays parked, though its copy was delivered before: somebody undid its mark
                // since.
                let anew = Set(parked.map(\.id))
                let parkedOutcomes = lane.parkedOutcomes.filter { $0.rejection != nil || !anew.contains($0.id) }
                if !parkedOutcomes.isEmpty { writes.parkedOutcomes[lane.sink] = parkedOutcomes }
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

        private mutating func noteOwedEntries() {
            let before = Set(facts.owed.map { OwedEntry(sink: $0.sink, id: $0.id) })
            writes.owedRemoved = before.subtracting(owed).sorted { ($0.id, $0.sink) < ($1.id, $1.sink) }
            writes.owedEntered = owed.subtracting(before).sorted { ($0.id, $0.sink) < ($1.id, $1.sink) }
            writes.owedKept = kept.intersection(owed).sorted { ($0.id, $0.sink) < ($1.id, $1.sink) }
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
        let kept = owedKept.map { OwedEntry(sink: $0.sink, id: $0.id, isDelivered: true) }
        return SettledState(
            sinks: sinks, removed: owedRemoved, entered: owedEntered + kept, lockedRow: lockedRow, unparked: unparked,
            gone: gone)
    }
}
