/// What begins and ends with a tenure, and the lanes that the stored sinks make.
extension RelayMachine {
    mutating func begin(_ opened: OpenedSessions, at now: Int64, _ effects: inout [RelayEffect]) {
        tenure = Tenure(policy, rules: rules, publishedAbove: opened.publishedAboveCursors, at: now)
        settlements.begin(at: now)
        tail.begin(earnedCursor: opened.sinks.earnedCursor)
        adopt(opened.sinks, owed: opened.owed, keeping: opened.keepsLanes, restarting: true, at: now, &effects)
        goOn(from: lanes.reduce(opened.sinks.cursorSpan.high) { max($0, $1.position) }, &effects)
        for index in lanes.indices {
            lanes[index].takeParkedKeys(opened.parkedKeys[lanes[index].name] ?? [:])
            lanes[index].opening = .shut
            beginOnTail(index, &effects)
        }
    }

    mutating func loseSessions(_ effects: inout [RelayEffect]) {
        tenure = nil
        for index in lanes.indices { lanes[index].loseSessions() }
        stamp += 1
    }

    /// A lane that begins where the tail is, with nothing published above, lacks nothing that the tail does not bring.
    private mutating func beginOnTail(_ index: Int, _ effects: inout [RelayEffect]) {
        let lane = lanes[index]
        guard tenure?.publishedAbove == false, lane.passesThrough == nil, lane.place == .reading, lane.queue.isEmpty
        else { return }
        if !lanes.any({ $0.isOnTail }), lane.position > tail.position { goOn(from: lane.position, &effects) }
        if lane.position == tail.position { lanes[index].place = .tail }
    }

    /// Brings the lanes in step with the stored sinks.
    mutating func adopt(
        _ sinks: [SinkRegistration], owed: [String: OwedPortion]?, keeping: Bool = false, restarting: Bool = false,
        at now: Int64, _ effects: inout [RelayEffect]
    ) {
        others = sinks.filter { !hasLane($0) }
        let staying = Set(sinks.lazy.filter(hasLane).map(\.name))
        for lane in lanes where lane.isSending && !staying.contains(lane.name) {
            effects.append(.cancelDelivery(sink: lane.name))
        }
        for lane in lanes where !staying.contains(lane.name) {
            batchMemory.suspect(lane.tokens)
            if lane.readsUnderWay > 0 { tenure?.orphanedReads[lane.name, default: 0] += lane.readsUnderWay }
        }
        let reach = lanes.map(\.position).max() ?? .min
        lanes.removeAll { !staying.contains($0.name) }
        for sink in sinks where hasLane(sink) {
            guard let index = lanes.firstIndex(where: { $0.name == sink.name }) else {
                lanes.append(
                    Lane(
                        sink, isConfigured: configured.contains(sink.name),
                        policy: lanePolicies[sink.name] ?? LanePolicy(retry: policy.retry)))
                refreshOwed(owed, lanes.count - 1)
                if !restarting { beginOnTail(lanes.count - 1, &effects) }
                if !restarting { notePublished(lanes[lanes.count - 1], reach) }
                stamp += 1
                continue
            }
            let isSame = lanes[index].registration.generation == sink.generation
            if restarting || !isSame {
                lanes[index].restart(sink, keeping: isSame && (keeping || !restarting))
                if lanes[index].hasStaleFlights { effects.append(.cancelDelivery(sink: sink.name)) }
                refreshOwed(owed, index)
                if !restarting { notePublished(lanes[index], reach) }
                stamp += 1
            } else {
                lanes[index].settled(sink)
                if let owed { lanes[index].owed.refresh(owed[sink.name] ?? OwedPortion()) }
            }
        }
        lanes.sort { $0.name < $1.name }
    }

    /// A lane begins below where others, or its sink itself, have been in this tenure: what lies between may be published.
    private mutating func notePublished(_ lane: Lane, _ reach: Int64) {
        if lane.position < reach { tenure?.publishedAbove = true }
    }

    /// What is owed to a lane as it was read, and where it was not, a sweep reads it.
    private mutating func refreshOwed(_ owed: [String: OwedPortion]?, _ index: Int) {
        if let owed {
            lanes[index].owed.refresh(owed[lanes[index].name] ?? OwedPortion())
        } else {
            tenure?.turns.sweeps.isWanted = true
        }
    }

    private func hasLane(_ sink: SinkRegistration) -> Bool {
        sink.isFixed && (sink.isRemoving || configured.contains(sink.name)) && tenure?.orphanedReads[sink.name] == nil
    }

    /// A read has come back whose lane may be gone: the sink may have a new one then.
    mutating func readEnded(of sink: String) {
        guard let count = tenure?.orphanedReads[sink] else { return }
        tenure?.orphanedReads[sink] = count > 1 ? count - 1 : nil
        tenure?.turns.refreshWanted = true
    }
}
