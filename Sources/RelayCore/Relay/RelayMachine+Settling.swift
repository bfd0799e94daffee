/// What is delivered is written: cursors forward, rows to the published leaf.
extension RelayMachine {
    /// The longest pause after settlements that failed.
    private static let longestSettlePause: Int64 = 5000

    /// Settles what is done, when there is enough of it or it has waited long enough.
    ///
    /// - Returns: whether a settlement was begun.
    mutating func startSettling(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        // The last one failed: the others must not wait for the next.
        guard now >= settleBarrier else { return false }
        var most = 0
        var any = refreshWanted
        for lane in lanes {
            most = max(most, lane.done.count)
            if lane.isWaitingForRoom { most = .max }
            if lane.hasNews(at: now) { any = true }
            if !lane.retried.isEmpty, lane.inFlight == nil { most = .max }
            if lane.registration.isRemoving { any = any || now >= nextSettle }
        }
        guard any else { return false }
        let isFull = most >= min(policy.window, policy.batchSize)
        let nothingElse = isStopping || lanes.contains(where: \.health.isClosed)
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
        claimIsNext = true
        let triesStuck = stuckWanted && !inClaim
        if triesStuck { stuckWanted = false }
        effects.append(.settle(lanes.map { $0.progress(triesStuck: triesStuck, at: now) }, inClaim: inClaim))
    }

    mutating func settled(_ state: SettledState, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .settling(let retried) = work else { return }
        work = .idle
        hasTriedStuck = true
        settlePause = 0
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
        adopt(state.sinks, late: nil, keeping: true, at: now, &effects)
        for index in lanes.indices { lanes[index].lateSettled(state) }
        if let lowest = state.sinks.map(\.cursor).min() { tenure?.source.stream?.bell.settled(through: lowest) }
        settledNothing = before == lanes.map(\.registration) && state.removed.isEmpty
        blockAtUnparked(state.unparked, at: now, &effects)
        if lanes.contains(where: \.lacksOwed) { sweepWanted = true }
        for entry in state.entered where !entry.isDelivered { effects.append(.note(.late(entry))) }
        if !state.gone.isEmpty { effects.append(.note(.rowsGone(state.gone))) }
        noteLockedRow(state.lockedRow, at: now, &effects)
    }

    /// A settlement failed: it waits apart, while claims and deliveries go on up to the window.
    mutating func settlementFailed(at now: Int64) {
        settlePause = min(Self.longestSettlePause, max(policy.settleInterval, settlePause * 2))
        settleBarrier = now + settlePause
        nextSettle = settleBarrier
        settledNothing = true
    }

    /// Where an event cannot be parked, its lane blocks at it, as if nobody had said to park it.
    private mutating func blockAtUnparked(
        _ unparked: [UnparkedEvent], at now: Int64, _ effects: inout [RelayEffect]
    ) {
        for index in lanes.indices {
            let name = lanes[index].name
            guard let event = unparked.first(where: { $0.sink == name }) else {
                guard lanes[index].unparked != nil else { continue }
                lanes[index].unparked = nil
                effects.append(.note(.recovered(sink: name)))
                continue
            }
            if lanes[index].unparked?.id != event.id {
                effects.append(.note(.rowFault(RowFault(id: event.id, work: .park, reason: event.reason))))
            }
            lanes[index].unparked = event
            lanes[index].nextParking = now + policy.sweepInterval
        }
    }

    private mutating func noteLockedRow(_ row: Int64?, at now: Int64, _ effects: inout [RelayEffect]) {
        guard row != settlingHold?.row else { return }
        if settlingHold != nil, tenure?.gap == nil { effects.append(.note(.orderReleased)) }
        settlingHold = nil
        guard let row else { return }
        settlingHold = SettlingHold(row: row)
        effects.append(
            .note(.orderHold(OrderHold(aboveID: row == .min ? row : row - 1, cause: .lockedRow(row), since: now))))
    }

    /// Deliveries go on up to the window while a row that is to be published is locked by somebody else.
    struct SettlingHold: Hashable, Sendable {
        var row: Int64
    }

    // MARK: - New sinks

    mutating func startFixingStarts(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        guard now >= nextFix, others.contains(where: { !$0.isFixed }), tail.horizon.hasScanned else { return false }
        nextFix = now + policy.pollInterval
        if !tail.horizon.firstScanIsOver { tenure?.scan.want() }
        work = .fixing
        claimIsNext = true
        effects.append(
            .fixStarts(
                settledThrough: tail.horizon.settledThrough, firstScanIsOver: tail.horizon.firstScanIsOver))
        return true
    }
}
