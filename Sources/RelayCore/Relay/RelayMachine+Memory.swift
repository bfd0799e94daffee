/// Who may hold how much of the memory that all share. Half of it is the tail's, and half is for what lanes off the tail
/// hold, so that neither keeps the other waiting.
extension RelayMachine {
    /// What one lane may keep in memory from the others: what its sink holds must not stop them.
    var laneShare: Int { max(1, policy.memory / (16 * max(1, lanes.count))) }

    /// Whether the tail may bring more.
    var tailHasRoom: Bool { batchMemory.bytes < policy.memory / 2 || tailBytes < policy.memory / 2 }

    /// Whether the table may be read for a lane. One that fails leaves half of the room to those that do not.
    func hasRoom(toReadFor lane: Lane) -> Bool {
        let limit = policy.memory / (lane.health == .well ? 2 : 4)
        return batchMemory.bytes < limit || batchMemory.bytes - tailBytes < limit
    }

    /// The memory of the batches that the tail, or a lane on it, needs.
    private var tailBytes: Int {
        var unqueued = Set<BatchToken>()
        if let claimToken { unqueued.insert(claimToken) }
        for index in lanes.indices where lanes[index].isOnTail {
            unqueued.formUnion(lanes[index].flying.tokens)
            if let uses = lanes[index].keyed?.uses { unqueued.formUnion(uses.tokens) }
        }
        return unqueued.reduce(batchMemory.queuedTailBytes) {
            $0 + (batchMemory.isQueued($1) ? 0 : batchMemory.bytes(of: $1))
        }
    }

    /// The batch of a claim whose gaps are looked at.
    private var claimToken: BatchToken? {
        if case .recheckingGaps(_, let claim, _)? = tenure?.turns.work { claim.rows.token } else { nil }
    }

    /// Lets go of the batches that nothing refers to any more.
    mutating func collect(_ effects: inout [RelayEffect]) {
        batchMemory.claimNeeds(claimToken)
        for index in lanes.indices { batchMemory.suspect(lanes[index].takeLeft()) }
        for token in batchMemory.takeSuspects() {
            let isQueued = lanes.any { $0.queue.uses.contains(token) }
            if isQueued || token == claimToken || lanes.any({ $0.isSending(token) }) {
                batchMemory.keep(token, isQueued: isQueued)
            } else if batchMemory.letGo(token) {
                effects.append(.release(token))
            }
        }
    }

    /// The tail has no room, and somebody on it has nothing to do: the one furthest behind goes to the table; else one
    /// whose sink holds what takes the room.
    mutating func leaveTailIfOthersStarve(_ effects: inout [RelayEffect]) {
        guard lanes.indices.count(where: { lanes[$0].isOnTail }) > 1, !tailHasRoom else { return }
        let onTail = lanes.indices.filter { lanes[$0].isOnTail }
        guard onTail.contains(where: { lanes[$0].queue.isEmpty }) else { return }
        let waiting = onTail.filter { !lanes[$0].queue.isEmpty }
        if let behind = waiting.max(by: { lanes[$0].queue.count < lanes[$1].queue.count }) {
            leaveTail(behind, &effects)
        } else if onTail.contains(where: { lanes[$0].isIdle }), let holding = onTail.first(where: { !lanes[$0].isIdle })
        {
            leaveTail(holding, &effects)
        }
    }
}

extension Lane {
    /// Whether the batch holds rows that have left the queue.
    fileprivate func isSending(_ token: BatchToken) -> Bool {
        flying.contains(token) || keyed?.uses.contains(token) == true
    }

    /// The batches of all its rows.
    var tokens: [BatchToken] {
        Array(queue.uses.tokens) + Array(flying.tokens) + (keyed.map { Array($0.uses.tokens) } ?? [])
    }

    /// The batches that it has let go of since this was last asked.
    mutating func takeLeft() -> [BatchToken] {
        queue.takeLeft() + flying.takeLeft() + (keyed?.takeLeft() ?? [])
    }
}
