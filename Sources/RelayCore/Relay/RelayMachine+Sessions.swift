/// What begins and ends with a tenure, and the lanes that the stored sinks make.
extension RelayMachine {
    mutating func begin(_ opened: OpenedSessions, at now: Int64, _ effects: inout [RelayEffect]) {
        tenure = Tenure(usesStream: policy.usesStream, rules: rules, at: now)
        work = .idle
        settlingHold = nil
        hasTriedStuck = false
        settleBarrier = 0
        settlePause = 0
        claimIsNext = false
        sweptThrough = nil
        sweepsAgain = false
        nextStuckTry = now
        nextSweep = now
        nextFix = now
        sweepWanted = true
        refreshWanted = false
        setAside = [:]
        tail.begin(earnedCursor: opened.sinks.earnedCursor)
        adopt(opened.sinks, late: opened.late, keeping: opened.keepsMemory, restarting: true, at: now, &effects)
        tail.goOn(from: lanes.reduce(opened.sinks.cursorSpan.high) { max($0, $1.position) })
        publishedAbove = opened.publishedAboveCursors
        for index in lanes.indices {
            lanes[index].takeParkedKeys(opened.parkedKeys[lanes[index].name] ?? [:])
            lanes[index].opening = .shut
            beginOnTail(index)
        }
    }

    mutating func loseSessions(_ effects: inout [RelayEffect]) {
        tenure = nil
        work = .absent
        for index in lanes.indices { lanes[index].loseSessions() }
        orphanedReads = [:]
        stamp += 1
    }

    /// A lane that begins where the tail is, with nothing published above, lacks nothing that the tail does not bring.
    private mutating func beginOnTail(_ index: Int) {
        let lane = lanes[index]
        guard !publishedAbove, lane.passesThrough == nil, lane.place == .reading, lane.queue.isEmpty else { return }
        if !lanes.contains(where: \.isOnTail), lane.position > tail.position { tail.goOn(from: lane.position) }
        if lane.position == tail.position { lanes[index].place = .tail }
    }

    /// Brings the lanes in step with the stored sinks.
    mutating func adopt(
        _ sinks: [SinkRegistration], late: [String: OwedPortion]?, keeping: Bool = false, restarting: Bool = false,
        at now: Int64, _ effects: inout [RelayEffect]
    ) {
        others = sinks.filter { !hasLane($0) }
        let staying = Set(sinks.lazy.filter(hasLane).map(\.name))
        for lane in lanes where lane.isSending && !staying.contains(lane.name) {
            effects.append(.cancelDelivery(sink: lane.name))
        }
        for lane in lanes where !staying.contains(lane.name) {
            held.suspect(lane.tokens)
            if lane.readsUnderWay > 0 { orphanedReads[lane.name, default: 0] += lane.readsUnderWay }
        }
        lanes.removeAll { !staying.contains($0.name) }
        for sink in sinks where hasLane(sink) {
            guard let index = lanes.firstIndex(where: { $0.name == sink.name }) else {
                var lane = Lane(
                    sink, isConfigured: configured.contains(sink.name),
                    policy: lanePolicies[sink.name] ?? LanePolicy(retry: policy.retry))
                if let late { lane.takeLate(late[sink.name] ?? OwedPortion()) } else { sweepWanted = true }
                lanes.append(lane)
                if !restarting { beginOnTail(lanes.count - 1) }
                stamp += 1
                continue
            }
            let isSame = lanes[index].registration.generation == sink.generation
            if restarting || !isSame {
                lanes[index].restart(sink, keeping: isSame && (keeping || !restarting))
                if lanes[index].hasStaleFlights { effects.append(.cancelDelivery(sink: sink.name)) }
                if let late { lanes[index].takeLate(late[sink.name] ?? OwedPortion()) } else { sweepWanted = true }
                stamp += 1
            } else {
                lanes[index].settled(sink)
                if let late { lanes[index].takeLate(late[sink.name] ?? OwedPortion()) }
            }
        }
        lanes.sort { $0.name < $1.name }
    }

    private func hasLane(_ sink: SinkRegistration) -> Bool {
        sink.isFixed && (sink.isRemoving || configured.contains(sink.name)) && orphanedReads[sink.name] == nil
    }

    /// A read has come back whose lane may be gone: the sink may have a new one then.
    mutating func readEnded(of sink: String) {
        guard let count = orphanedReads[sink] else { return }
        orphanedReads[sink] = count > 1 ? count - 1 : nil
        refreshWanted = true
    }
}
