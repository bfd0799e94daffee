/// Who may hold how much of the memory that all share. Half of it is the tail's, and half is for what lanes off the tail
/// hold, so that neither keeps the other waiting.
extension RelayMachine {
    /// What one lane may keep in memory from the others: what its sink holds must not stop them.
    var laneShare: Int { max(1, policy.memory / (16 * max(1, lanes.count))) }

    /// Whether the tail may bring more.
    var tailHasRoom: Bool { bufferedBytes < policy.memory / 2 || tailBytes < policy.memory / 2 }

    /// Whether the stream may bring so much at once.
    func streamHasRoom(for bytes: Int) -> Bool {
        if bufferedBytes + bytes <= policy.memory / 2 { return true }
        let held = tailBytes
        // One row may be larger than all the room; before the stream leads, the table brings it.
        return held + bytes <= policy.memory / 2 || (held == 0 && stream.phase == .leading)
    }

    /// Whether the table may be read for a lane. One that fails leaves half of the room to those that do not.
    func hasRoom(toReadFor lane: Lane) -> Bool {
        let limit = policy.memory / (lane.health == .well ? 2 : 4)
        return bufferedBytes < limit || bufferedBytes - tailBytes < limit
    }

    /// The memory of the batches that the tail, or a lane on it, needs.
    private var tailBytes: Int {
        var tokens = Set(stream.pending.lazy.map(\.token))
        if case .looking(_, let claim, _) = work, let token = claim?.rows.token { tokens.insert(token) }
        for lane in lanes where lane.isOnTail { lane.addTokens(to: &tokens) }
        return tokens.reduce(0) { $0 + (batches[$1] ?? 0) }
    }

    /// The tail has no room, and somebody on it has nothing to do: the one furthest behind goes to the table; else one
    /// whose sink holds what takes the room.
    mutating func leaveTailIfOthersStarve(_ effects: inout [RelayEffect]) {
        guard lanes.count(where: \.isOnTail) > 1, !tailHasRoom else { return }
        let onTail = lanes.indices.filter { lanes[$0].isOnTail }
        guard onTail.contains(where: { lanes[$0].queue.isEmpty }) else { return }
        if let behind = onTail.filter({ !lanes[$0].queue.isEmpty }).max(by: { lanes[$0].queued < lanes[$1].queued }) {
            leaveTail(behind, &effects)
        } else if onTail.contains(where: { lanes[$0].isIdle }), let holding = onTail.first(where: { !lanes[$0].isIdle })
        {
            leaveTail(holding, &effects)
        }
    }
}

extension Lane {
    /// The batches that it needs.
    func addTokens(to tokens: inout Set<BatchToken>) {
        for slice in queue { if let token = slice.token { tokens.insert(token) } }
        for slice in inFlight?.slices ?? [] { if let token = slice.token { tokens.insert(token) } }
        for row in keyed?.rows ?? [] { if let token = row.token { tokens.insert(token) } }
    }
}
