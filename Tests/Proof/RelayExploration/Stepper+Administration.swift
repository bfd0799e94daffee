import RelayCore

/// `sinks add|move|remove` beside the running relay, each in one transaction.
extension Stepper {
    mutating func administer() {
        let request = scenario.requests[state.world.requestsDone]
        state.world.requestsDone += 1
        // One that is refused changes nothing.
        guard let decision = try? SinkAdministration(request, facts(for: request)) else { return }
        let owed = Set(state.world.owed.map(\.id)).sorted()
        state.world.absent = decision.ranges.applied(to: state.world.absent, owed: owed)
        if let sink = decision.written { write(sink) }
        state.world.sinks.removeAll { decision.deleted.contains($0.name) }
        state.world.owed.removeAll { decision.deleted.contains($0.sink) }
        state.world.write()
        if state.world.sessionsAreOpen { feed(.sinksChanged) }
    }

    private func facts(for request: SinkRequest) -> SinkAdministrationFacts {
        let world = state.world
        var place: Int64 = 0
        switch request {
        case .add(_, .id(let id)), .move(_, .id(let id)): place = id
        default: break
        }
        let oldest = world.unpublished.lowest
        return SinkAdministrationFacts(
            sinks: world.sinks, goal: world.visible.through(place - 1).highest ?? 0,
            highestRow: world.visible.highest ?? 0, oldestUnpublished: oldest,
            rowBelowOldest: oldest.flatMap { world.visible.through($0 - 1).highest } ?? 0)
    }

    /// The row, in a new generation.
    private mutating func write(_ row: SinkRegistration) {
        var row = row
        row.generation = 1 + (state.world.sinks.map(\.generation).max() ?? 0)
        state.world.sinks.removeAll { $0.name == row.name }
        state.world.sinks.append(row)
        state.world.sinks.sort { $0.name < $1.name }
        guard let index = state.world.side(row.name) else { return }
        var side = state.world.sides[index]
        for place in side.deliveries.indices { side.deliveries[place].isAstray = true }
        if row.isRemoving {
            side.begins = scenario.ids
        } else if row.isFixed {
            // From its new place on the order begins anew, and what it had comes again.
            side.begins = max(row.cursor, row.passThrough ?? 0)
            side.mayRepeat.formUnion(side.given.above(row.cursor))
            side.highest = min(side.highest, row.cursor)
            side.highestOfKey = [:]
        }
        state.world.sides[index] = side
    }
}
