import RelayCore

extension Stepper {
    /// A settling transaction: reads the facts, decides, writes.
    mutating func settle(_ lanes: [LaneProgress], inClaim: Bool) -> SettledState {
        let lanes = scenario.mutation == .goneWaitedFor ? lanes.map(stoppedAtGone) : lanes
        let facts = facts(for: lanes)
        var writes = Settlement(facts: facts, lanes: lanes).decide()
        if scenario.mutation == .rangesUnwritten { writes.absent = nil }
        if scenario.mutation == .parkedUnwritten { writes.parked = [:] }
        for cursor in writes.cursors { write(cursor) }
        judgePublishing(writes)
        for id in writes.published {
            if state.world.locked.contains(id) { find("LOCKED row \(id) moved") }
            state.world.unpublished.remove(id)
            state.world.published.insert(id)
        }
        state.world.owed.removeAll { entry in
            writes.owedRemoved.contains { $0.sink == entry.sink && $0.id == entry.id }
        }
        for entry in writes.owedKept {
            for index in state.world.owed.indices
            where state.world.owed[index].sink == entry.sink && state.world.owed[index].id == entry.id {
                state.world.owed[index].isDelivered = true
            }
        }
        enter(writes.owedEntered, by: "settle")
        if let absent = writes.absent {
            state.world.absent = state.world.absent.subtracting(facts.absent).union(absent)
        }
        if let span = writes.absentSpan {
            state.world.absent = state.world.absent.clamped(above: span.low, through: span.high)
        }
        park(writes)
        state.world.sinks.removeAll { writes.ended.contains($0.name) }
        if !writes.isEmpty { state.world.write() }
        state.world.claimed = IDSet()
        var settled = writes.settled(from: facts)
        settled.sinks = state.world.sinks
        return settled
    }

    private func stoppedAtGone(_ lane: LaneProgress) -> LaneProgress {
        var lane = lane
        lane.done = Array(lane.done.prefix(while: state.world.visible.contains))
        return lane
    }

    private func facts(for lanes: [LaneProgress]) -> SettlementFacts {
        let world = state.world
        var ids = Set<Int64>()
        for lane in lanes {
            guard let sink = world.sinks.first(where: { $0.name == lane.sink && $0.generation == lane.generation })
            else { continue }
            ids.formUnion(lane.done)
            ids.formUnion(lane.owedDone)
            guard let last = lane.done.last, scenario.mutation != .passedUnseen else { continue }
            let passed = IDRanges.absent(above: sink.cursor, through: last, present: lane.done)
            ids.formUnion(world.visible.ids.filter(passed.contains))
        }
        var places: [Int64: RowPlace] = [:]
        for id in ids {
            if world.published.contains(id) {
                places[id] = .published
            } else if world.unpublished.contains(id) {
                let isLocked = world.locked.contains(id) && scenario.mutation != .lockOverlooked
                places[id] = isLocked ? .locked : .unpublished
            }
        }
        let absent = world.absent.touching(Settlement.span(of: lanes, world.sinks))
        return SettlementFacts(sinks: world.sinks, absent: absent, owed: world.owed, places: places)
    }

    private mutating func write(_ cursor: SettlementWrites.Cursor) {
        for index in state.world.sinks.indices
        where state.world.sinks[index].name == cursor.sink && state.world.sinks[index].generation == cursor.generation {
            if cursor.cursor < state.world.sinks[index].cursor { find("CURSOR of \(cursor.sink) goes back") }
            state.world.sinks[index].cursor = cursor.cursor
            state.world.sinks[index].isEarned = cursor.isEarned
            if cursor.endsPassing { state.world.sinks[index].passThrough = nil }
        }
    }

    /// Notes what is owed; a row that was in nobody's way may not be called late.
    mutating func enter(_ entries: [OwedEntry], by whom: String) {
        for entry in entries {
            if let side = state.world.side(entry.sink), !state.world.lateRows.contains(entry.id),
                !state.world.sides[side].given.contains(entry.id)
            {
                find("FALSE LATE: the \(whom) owes \(entry.id) to \(entry.sink), though it is lawful")
            }
            if state.world.owed.contains(where: { $0.sink == entry.sink && $0.id == entry.id }) {
                find("OWED TWICE: \(entry.id) to \(entry.sink), by the \(whom)")
            }
        }
        state.world.owed.append(contentsOf: entries)
        state.world.owed.sort { ($0.id, $0.sink) < ($1.id, $1.sink) }
    }

    private mutating func judgePublishing(_ writes: SettlementWrites) {
        for id in writes.published {
            for sink in state.world.sinks where !sink.isRemoving {
                guard let index = state.world.side(sink.name) else { continue }
                if !sink.isFixed { find("PUBLISHED \(id) while the start of \(sink.name) is open") }
                let side = state.world.sides[index]
                let isParked =
                    state.world.parked(for: side.name).contains(id)
                    || writes.parked[side.name]?.contains { $0.id == id } == true
                if id > side.begins, !side.given.contains(id), !isParked {
                    find("LOSS: \(id) is published, and \(side.name) never had it")
                }
            }
        }
    }
}
