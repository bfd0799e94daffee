/// What is delivered is written: cursors forward, rows to the published leaf.
extension RelayMachine {
    /// Settles what is done, when there is enough of it or it has waited long enough.
    ///
    /// - Returns: whether a settlement was begun.
    mutating func startSettling(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        // The last one failed: the others must not wait for the next.
        guard now >= settlements.failures.next else { return false }
        let isRefresh = tenure?.turns.refreshWanted == true
        var most = 0
        var any = isRefresh
        for index in lanes.indices {
            most = max(most, lanes[index].done.count)
            if lanes[index].isWaitingForRoom { most = .max }
            if lanes[index].hasNews(at: now) { any = true }
            if !lanes[index].parkedOutcomes.isEmpty, lanes[index].inFlight == nil { most = .max }
            if lanes[index].registration.isRemoving { any = any || now >= settlements.next }
        }
        guard any else { return false }
        let isFull = most >= min(policy.window, policy.batchSize)
        let nothingElse = isStopping || lanes.any { $0.health.isClosed }
        guard isFull || nothingElse || isRefresh || now >= settlements.next else { return false }
        // The last one could settle nothing (a locked row): once more, but not at once.
        if settlements.movedNothing, now < settlements.next { return false }
        settle(inClaim: false, at: now, &effects)
        return true
    }

    mutating func settle(inClaim: Bool, at now: Int64, _ effects: inout [RelayEffect]) {
        takeTurn(
            .settling(
                parkedOutcomes: Dictionary(uniqueKeysWithValues: lanes.map { ($0.name, $0.parkedOutcomes.count) })))
        tenure?.turns.refreshWanted = false
        let triesStuck = settlements.starts(inClaim: inClaim, at: now, interval: policy.settleInterval)
        effects.append(.settle(lanes.map { $0.progress(triesStuck: triesStuck, at: now) }, inClaim: inClaim))
    }

    mutating func settled(_ state: SettledState, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .settling(let parkedOutcomes)? = tenure?.turns.work else { return }
        tenure?.turns.work = .idle
        settlements.succeeded()
        stamp += 1
        for index in lanes.indices {
            guard let count = parkedOutcomes[lanes[index].name], count > 0 else { continue }
            // Whoever else is to be tried again, and which keys are free now, the table knows.
            lanes[index].parkedOutcomes.removeFirst(min(count, lanes[index].parkedOutcomes.count))
            parkedKeysWanted = true
            tenure?.turns.sweeps.isWanted = true
        }
        // What was delivered while the settlement was under way is not in it, and stays.
        let before = lanes.map(\.registration)
        adopt(state.sinks, owed: nil, keeping: true, at: now, &effects)
        for index in lanes.indices { lanes[index].owed.settled(state, of: lanes[index].name) }
        if let lowest = state.sinks.map(\.cursor).min() { tenure?.source.stream?.bell.settled(through: lowest) }
        settlements.movedNothing = before == lanes.map(\.registration) && state.removed.isEmpty
        blockAtUnparked(state.unparked, at: now, &effects)
        if lanes.any({ $0.owed.lacksMore }) { tenure?.turns.sweeps.isWanted = true }
        for entry in state.entered where !entry.isDelivered { effects.append(.note(.late(entry))) }
        if !state.gone.isEmpty { effects.append(.note(.rowsGone(state.gone))) }
        noteLockedRow(state.lockedRow, at: now, &effects)
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
        let awaitedRow = tenure?.turns.settling.awaitedRow
        tenure?.turns.settling = row.map { .waiting(row: $0) } ?? .free
        guard row != awaitedRow else { return }
        if awaitedRow != nil, tenure?.gap == nil { effects.append(.note(.orderReleased)) }
        guard let row else { return }
        effects.append(
            .note(.orderHold(OrderHold(aboveID: row == .min ? row : row - 1, cause: .lockedRow(row), since: now))))
    }

    // MARK: - New sinks

    mutating func startFixingStarts(at now: Int64, _ effects: inout [RelayEffect]) -> Bool {
        guard let next = tenure?.turns.nextFix, now >= next, others.contains(where: { !$0.isFixed }),
            tail.horizon.hasScanned
        else { return false }
        tenure?.turns.nextFix = now + policy.pollInterval
        if !tail.horizon.firstScanIsOver { tenure?.scan.want() }
        takeTurn(.fixing)
        effects.append(
            .fixStarts(
                closedThrough: tail.horizon.closedThrough, firstScanIsOver: tail.horizon.firstScanIsOver))
        return true
    }
}
