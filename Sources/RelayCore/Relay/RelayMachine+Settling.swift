extension RelayMachine {
    /// Settles what is done, when there is enough of it or it has waited long enough.
    ///
    /// - Returns: whether a settlement was begun.
    mutating func startSettling(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        var most = 0
        var any = refreshWanted
        for lane in lanes {
            most = max(most, lane.done.count)
            if lane.isWaitingForRoom { most = .max }
            if lane.hasNews { any = true }
            if !lane.retried.isEmpty, lane.inFlight == nil { most = .max }
            if lane.registration.isRemoving { any = any || now >= nextSettle }
        }
        guard any else { return false }
        let isFull = most >= min(policy.window, policy.batchSize)
        let nothingElse = isStopping || lanes.contains { if case .closed = $0.health { true } else { false } }
        guard isFull || nothingElse || refreshWanted || now >= nextSettle else { return false }
        // The last one could settle nothing (a locked row): once more, but not at once.
        if settledNothing, now < nextSettle { return false }
        settle(inClaim: false, at: now, &effects)
        return true
    }

    mutating func settle(inClaim: Bool, at now: Int64, _ effects: inout [RelayEffect]) {
        work = .settling(retried: Dictionary(uniqueKeysWithValues: lanes.map { ($0.name, $0.retried.count) }))
        refreshWanted = false
        nextSettle = now + policy.settleInterval
        let known = horizon.settledThrough
        effects.append(.settle(lanes.map { $0.progress(settledThrough: known) }, inClaim: inClaim))
    }

    mutating func settled(_ state: SettledState, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .settling(let retried) = work else { return }
        work = .idle
        hasTriedStuck = true
        stamp += 1
        for index in lanes.indices {
            guard let count = retried[lanes[index].name], count > 0 else { continue }
            // Whoever else is to be tried again, and which keys are free now, the table knows.
            lanes[index].retried.removeFirst(min(count, lanes[index].retried.count))
            parkedKeysWanted = true
            sweepWanted = true
        }
        // What was delivered while the settlement was under way is not in it, and stays.
        let before = lanes.map(\.registration)
        adopt(state.sinks, late: state.late, keeping: true, at: now, &effects)
        settledNothing = before == lanes.map(\.registration)
        for entry in state.entered { effects.append(.note(.late(entry))) }
        noteLockedRow(state.lockedRow, at: now, &effects)
    }

    private mutating func noteLockedRow(_ row: Int64?, at now: Int64, _ effects: inout [RelayEffect]) {
        guard row != settlingHold?.row else { return }
        if settlingHold != nil, gap == nil { effects.append(.note(.orderReleased)) }
        settlingHold = nil
        guard let row else { return }
        settlingHold = SettlingHold(row: row)
        effects.append(.note(.orderHold(OrderHold(aboveID: row - 1, cause: .lockedRow(row), since: now))))
    }

    /// Deliveries go on up to the window while a row that is to be published is locked by somebody else.
    struct SettlingHold: Hashable, Sendable {
        var row: Int64
    }

    // MARK: - New sinks

    mutating func startFixing(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        guard now >= nextFix, others.contains(where: { !$0.isFixed }), horizon.hasScanned else { return false }
        nextFix = now + policy.pollInterval
        if !horizon.firstScanIsOver { scanWanted = true }
        work = .fixing
        effects.append(
            .fixStarts(settledThrough: horizon.settledThrough, firstScanIsOver: horizon.firstScanIsOver))
        return true
    }

    // MARK: - Sweeps

    mutating func startSweep(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        // Worth asking once the table has shown nothing new; else the question would keep claims from being made.
        let asksForTheEnd =
            policy.untilDrained && isQuiet && quietAt != stamp && (claimPause > 0 || !polls) && now >= nextAsk
        guard sweepWanted || now >= nextSweep || asksForTheEnd else { return false }
        sweepWanted = false
        nextSweep = now + policy.sweepInterval
        nextAsk = now + policy.pollInterval / 5
        work = .sweeping(stamp: stamp)
        effects.append(.sweep(tail: tail, parkedKeys: parkedKeysWanted))
        parkedKeysWanted = false
        return true
    }

    mutating func swept(_ state: SweptState, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .sweeping(let sent) = work else { return }
        work = .idle
        let before = stamp
        adopt(state.sinks, late: state.late, keeping: true, at: now, &effects)
        for entry in state.entered { effects.append(.note(.late(entry))) }
        if !state.entered.isEmpty { stamp += 1 }
        for index in lanes.indices {
            if let keys = state.parkedKeys { lanes[index].takeParkedKeys(keys[lanes[index].name] ?? [:]) }
            guard lanes[index].retried.isEmpty, lanes[index].inFlight?.turn != .parked else { continue }
            lanes[index].retries = state.retries[lanes[index].name] ?? []
        }
        let unseen = state.aboveTail.filter { id in id > tail && !stream.pending.holds(id) }
        if stream.phase == .leading, !unseen.isEmpty, sent == before { drainAgain(&effects) }
        if !state.isComplete { sweepWanted = true }
        if lanes.contains(where: { !$0.stuck.isEmpty }) { refreshWanted = true }
        if state.aboveTail.isEmpty, state.isComplete, sent == stamp, isQuiet { quietAt = stamp }
    }
}
