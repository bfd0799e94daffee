/// Sweeps look for rows that turned up where cursors have passed, a bounded portion at a time.
extension RelayMachine {
    /// A sweep that is not done goes on after so many times what its last portion took: a hundredth of the server's time.
    private static let sweepRest: Int64 = 100
    private static let longestSweepPause: Int64 = 3000

    mutating func startSweep(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        guard let sweeps = tenure?.turns.sweeps else { return false }
        // Worth asking once the table has shown nothing new; else the question would keep claims from being made.
        let asksForTheEnd =
            sweeps.draining.map { $0.quietAt != stamp && now >= $0.nextQuestion } == true && isQuiet
            && tenure?.source.showsNothingNew == true
        let asksForAnnounced = tenure?.source.stream?.bell.nextSweep(tail: tail.position).map { now >= $0 } ?? false
        guard sweeps.isWanted || now >= sweeps.next || asksForTheEnd || asksForAnnounced else { return false }
        let above = tenure?.turns.sweeps.starts(at: now, stamp: stamp, policy)
        let request = SweepRequest(
            tail: tail.position, above: above,
            announced: tenure?.source.stream?.bell.standing?.waiting.passed(by: tail.position) ?? [],
            owed: lanes.any { $0.owed.hasRoom }, parkedKeys: parkedKeysWanted)
        takeTurn(.sweeping(request, stamp: stamp, since: now))
        effects.append(.sweep(request))
        parkedKeysWanted = false
        return true
    }

    mutating func swept(_ state: SweptState, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .sweeping(let request, let sent, let since)? = tenure?.turns.work else { return }
        tenure?.turns.work = .idle
        let nothingHappened = sent == stamp
        adopt(state.sinks, owed: state.owed, keeping: true, at: now, &effects)
        for entry in state.entered { effects.append(.note(.late(entry))) }
        takeParkRequests(state.parkRequests)
        if !state.entered.isEmpty { stamp += 1 }
        for index in lanes.indices {
            if let keys = state.parkedKeys { lanes[index].takeParkedKeys(keys[lanes[index].name] ?? [:]) }
            guard lanes[index].parkedOutcomes.isEmpty, lanes[index].inFlight?.turn != .parked else { continue }
            lanes[index].parkedToRetry = state.parkedToRetry[lanes[index].name] ?? []
        }
        tenure?.source.stream?.bell.swept(
            request.announced, visible: Set(state.visible), tail: tail.position, at: now,
            atMost: min(policy.pollInterval, 20))
        if nothingHappened { readAbove(state.aboveTail, at: now) }
        let isUndisturbed = tenure?.turns.sweeps.isUndisturbed(stamp) == true
        tenure?.turns.sweeps.came(through: state.sweptThrough)
        if state.sweptThrough != nil {
            let pause = min(Self.longestSweepPause, max(policy.pollInterval, (now - since) * Self.sweepRest))
            tenure?.turns.sweeps.goOn(by: now + pause)
        }
        tryStuckAgain(at: now)
        let isComplete = state.sweptThrough == nil && !lanes.any { $0.owed.isMore || $0.owed.hasRoom }
        if state.aboveTail.isEmpty, isComplete, isUndisturbed, isQuiet {
            tenure?.turns.sweeps.draining?.quietAt = stamp
        }
    }

    /// An unpublished row above the tail makes the tail look at once, whatever bell or timer say.
    private mutating func readAbove(_ ids: [Int64], at now: Int64) {
        guard let lowest = ids.first(where: { $0 > tail.position }), lowest < tenure?.gap?.waiting ?? .max else {
            return
        }
        tenure?.source.readsNow(at: now)
    }

    /// Rows that were delivered and could not move are tried again, less and less often.
    private mutating func tryStuckAgain(at now: Int64) {
        guard lanes.any({ !$0.owed.stuck.isEmpty }) else {
            settlements.noneIsStuck()
            return
        }
        if settlements.stuckAreDue(at: now, interval: policy.sweepInterval) { tenure?.turns.refreshWanted = true }
    }
}
