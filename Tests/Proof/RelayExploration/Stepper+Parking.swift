import RelayCore

/// What a settlement parks, and what becomes of it.
extension Stepper {
    mutating func park(_ writes: SettlementWrites) {
        for (sink, parkings) in writes.parked.sorted(by: { $0.key < $1.key }) {
            // Those behind others look at what is before them.
            for parking in parkings.filter({ $0.behind == nil }) + parkings.filter({ $0.behind != nil }) {
                parkOne(sink, parking)
            }
        }
        for (sink, outcomes) in writes.parkedOutcomes.sorted(by: { $0.key < $1.key }) {
            for outcome in outcomes { settle(outcome, of: sink) }
        }
    }

    private mutating func parkOne(_ sink: String, _ parking: Parking) {
        guard !state.world.parked(for: sink).contains(parking.id) else { return }
        let isRequested =
            parking.behind != nil && !earlier(than: parking.id, sink).contains { !$0.isRequested }
        state.world.parked.append(
            World.Parked(sink: sink, id: parking.id, isBehind: parking.behind != nil, isRequested: isRequested))
        state.world.parked.sort { ($0.sink, $0.id) < ($1.sink, $1.id) }
        if let side = state.world.side(sink) { state.world.sides[side].everParked.insert(parking.id) }
    }

    private mutating func settle(_ outcome: ParkedOutcome, of sink: String) {
        guard outcome.rejection != nil else {
            return state.world.parked.removeAll { $0.sink == sink && $0.id == outcome.id }
        }
        for index in state.world.parked.indices where state.world.parked[index].sink == sink {
            let entry = state.world.parked[index]
            let isBehindIt =
                entry.isBehind && entry.id > outcome.id && scenario.key(of: entry.id) == scenario.key(of: outcome.id)
            if entry.id == outcome.id || isBehindIt { state.world.parked[index].isRequested = false }
        }
    }

    /// Parked events that may be tried again now, as a sweep finds them.
    var parkedToRetry: [String: [Int64]] {
        var found: [String: [Int64]] = [:]
        for entry in state.world.parked where entry.isRequested {
            if entry.isBehind, earlier(than: entry.id, entry.sink).contains(where: { !$0.isRequested }) { continue }
            found[entry.sink, default: []].append(entry.id)
        }
        return found
    }

    var parkedKeys: [String: [EventKey: Int64]] {
        var keys: [String: [EventKey: Int64]] = [:]
        for entry in state.world.parked where scenario.lane(entry.sink).onReject == .parkKey {
            let key = scenario.key(of: entry.id)
            keys[entry.sink, default: [:]][key] = min(keys[entry.sink]?[key] ?? .max, entry.id)
        }
        return keys
    }

    mutating func requestRetry() {
        state.world.retryRequests -= 1
        for index in state.world.parked.indices { state.world.parked[index].isRequested = true }
        if state.world.sessionsAreOpen { feed(.operatorRequested) }
    }

    private func earlier(than id: Int64, _ sink: String) -> [World.Parked] {
        state.world.parked.filter { $0.sink == sink && $0.id < id && scenario.key(of: $0.id) == scenario.key(of: id) }
    }
}

extension World {
    /// What is parked for a sink.
    func parked(for sink: String) -> IDSet { IDSet(parked.filter { $0.sink == sink }.map(\.id)) }
}
