/// Sweeps look for rows that turned up where cursors have passed, a bounded portion at a time.
extension RelayMachine {
    /// A sweep that is not done goes on after so many times what its last portion took: a hundredth of the server's time.
    private static let sweepRest: Int64 = 100
    private static let longestSweepPause: Int64 = 3000

    mutating func startSweep(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        // Worth asking once the table has shown nothing new; else the question would keep claims from being made.
        let asksForTheEnd =
            policy.untilDrained && isQuiet && quietAt != stamp && tenure?.source.showsNothingNew == true
            && now >= nextAsk
        let asksForAnnounced = tenure?.source.stream?.bell.nextSweep(tail: tail.position).map { now >= $0 } ?? false
        guard sweepWanted || now >= nextSweep || asksForTheEnd || asksForAnnounced else { return false }
        sweepWanted = false
        nextSweep = now + policy.sweepInterval
        nextAsk = now + policy.pollInterval / 5
        // A rotation that begins now is the one that may tell that nothing is left.
        if sweptThrough == nil { rotationStamp = stamp }
        let request = SweepRequest(
            tail: tail.position, above: sweptThrough,
            announced: tenure?.source.stream?.bell.announced?.waiting.passed(by: tail.position) ?? [],
            owed: lanes.contains(where: \.hasRoomForOwed), parkedKeys: parkedKeysWanted)
        work = .sweeping(request, stamp: stamp, since: now)
        claimIsNext = true
        effects.append(.sweep(request))
        parkedKeysWanted = false
        return true
    }

    /// Rows may have turned up anywhere below the tail, also where the present rotation has been.
    mutating func sweepEverything() {
        sweepWanted = true
        if sweptThrough != nil { sweepsAgain = true }
        if case .sweeping = work { sweepsAgain = true }
    }

    mutating func swept(_ state: SweptState, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .sweeping(let request, let sent, let since) = work else { return }
        work = .idle
        let nothingHappened = sent == stamp
        adopt(state.sinks, late: state.late, keeping: true, at: now, &effects)
        for entry in state.entered { effects.append(.note(.late(entry))) }
        takeSetAside(state.setAside)
        if !state.entered.isEmpty { stamp += 1 }
        for index in lanes.indices {
            if let keys = state.parkedKeys { lanes[index].takeParkedKeys(keys[lanes[index].name] ?? [:]) }
            guard lanes[index].retried.isEmpty, lanes[index].inFlight?.turn != .parked else { continue }
            lanes[index].retries = state.retries[lanes[index].name] ?? []
        }
        tenure?.source.stream?.bell.swept(
            request.announced, visible: Set(state.visible), tail: tail.position, at: now,
            atMost: min(policy.pollInterval, 20))
        if nothingHappened { lookAbove(state.aboveTail, at: now) }
        sweptThrough = state.lookedThrough
        if sweptThrough == nil, sweepsAgain {
            sweepsAgain = false
            sweepWanted = true
        }
        if state.lookedThrough != nil {
            let pause = min(Self.longestSweepPause, max(policy.pollInterval, (now - since) * Self.sweepRest))
            nextSweep = min(nextSweep, now + pause)
        }
        tryStuckAgain(at: now)
        let isComplete = state.lookedThrough == nil && !lanes.contains { $0.isOwedMore || $0.hasRoomForOwed }
        if state.aboveTail.isEmpty, isComplete, rotationStamp == stamp, isQuiet { quietAt = stamp }
    }

    /// An unpublished row above the tail makes the tail look at once, whatever bell or timer say.
    private mutating func lookAbove(_ ids: [Int64], at now: Int64) {
        guard let lowest = ids.first(where: { $0 > tail.position }), lowest < tenure?.gap?.waiting ?? .max else {
            return
        }
        tenure?.source.looksAtOnce(at: now)
    }

    /// Rows that were delivered and could not move are tried again, less and less often.
    private mutating func tryStuckAgain(at now: Int64) {
        guard lanes.contains(where: { !$0.stuck.isEmpty }) else {
            stuckPause = 0
            return
        }
        guard now >= nextStuckTry else { return }
        stuckPause = min(Self.longestStuckPause, max(policy.sweepInterval, stuckPause * 2))
        nextStuckTry = now + stuckPause
        stuckWanted = true
        refreshWanted = true
    }

    private static let longestStuckPause: Int64 = 60_000
}
