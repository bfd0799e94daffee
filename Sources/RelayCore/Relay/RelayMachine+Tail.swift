extension RelayMachine {
    /// Hands rows, ascending and in order, to every lane on the tail.
    ///
    /// - Precondition (of the ordering, held by the callers): each row's predecessors are settled.
    mutating func hand(_ slices: [RowSlice]) {
        guard let last = slices.last?.ids.last else { return }
        for index in lanes.indices where lanes[index].isOnTail {
            for slice in slices { lanes[index].enqueue(slice) }
        }
        tail = max(tail, last)
        orderedThrough = max(orderedThrough, last)
        stamp += 1
    }

    /// Whether the tail waits for a lane that is about to meet it.
    var tailIsPaused: Bool { lanes.contains { $0.place == .meeting } }

    /// How many of `ids`, ascending above `place`, may be handed on now, and which gaps are closed by it.
    ///
    /// - Parameters:
    ///   - settled: the horizon as it was known before the rows were read: only at or below it may what is not there
    ///     count as absent,
    ///   - gone: or among these ids, whose transactions are known to be over.
    func deliverable(
        _ ids: [Int64], after place: Int64, settled: Int64, gone: IDRanges = IDRanges()
    ) -> (count: Int, closed: IDRanges, through: Int64) {
        var through = settled
        var previous = place
        var closed = IDRanges()
        for (index, id) in ids.enumerated() {
            guard id - 1 <= through || gone.covers(IDRange(max(through, previous) + 1, id - 1)) else {
                return (index, closed, through)
            }
            if id - 1 > previous { closed.insert(IDRange(previous + 1, id - 1)) }
            previous = id
            through = max(through, id)
        }
        return (ids.count, closed, through)
    }

    /// What the tail may take for settled: the horizon, or its own place where that was reached in order.
    func settledForTail(_ known: Int64) -> Int64 { max(known, tail <= orderedThrough ? tail : 0) }

    /// A row waits above a gap.
    mutating func openGap(waiting: Int64, _ cause: OrderHold.Cause, at now: Int64) {
        if gap?.waiting == waiting, gap?.cause == cause { return }
        gap = Gap(
            waiting: waiting, cause: cause, since: gap?.since ?? now, isNamed: gap?.isNamed ?? false,
            told: gap?.told, holder: gap?.holder)
        scanWanted = true
    }

    /// A row that cannot be read holds the order at its place until somebody fixes or deletes it.
    mutating func openGap(before fault: RowFault, at now: Int64, _ effects: inout [RelayEffect]) {
        openGap(waiting: fault.id, .unreadableRow(fault), at: now)
        if gap?.told != fault.id { effects.append(.note(.rowFault(fault))) }
        gap?.told = fault.id
    }

    mutating func closeGap(_ effects: inout [RelayEffect]) {
        if gap?.isNamed == true { effects.append(.note(.orderReleased)) }
        gap = nil
    }

    /// Names what has held the order back for a while: a gap of the tail, or a new sink's start that cannot be fixed.
    mutating func nameHold(at now: Int64, _ effects: inout [RelayEffect]) {
        if others.contains(where: { !$0.isFixed }), horizon.hasScanned, !horizon.firstScanIsOver {
            if startHold == nil { startHold = Gap(waiting: 0, cause: .unknown, since: now) }
        } else {
            if startHold?.isNamed == true { effects.append(.note(.orderReleased)) }
            startHold = nil
        }
        if let hold = gap { gap = named(hold, aboveID: tail, at: now, &effects) }
        if let hold = startHold { startHold = named(hold, aboveID: horizon.settledThrough, at: now, &effects) }
    }

    private func named(_ hold: Gap, aboveID: Int64, at now: Int64, _ effects: inout [RelayEffect]) -> Gap {
        let lowest = horizon.lowestHolder?.holder
        // Once the one that was named is gone, the next one is.
        let isAnother = hold.holder.map { lowest != nil && $0 != lowest } ?? false
        guard !hold.isNamed || isAnother, now - hold.since >= policy.holdNotice else { return hold }
        var hold = hold
        if hold.cause == .unknown || isAnother {
            guard let lowest else { return hold }
            hold.cause = .transaction(lowest)
            hold.holder = lowest
        }
        hold.isNamed = true
        effects.append(.note(.orderHold(OrderHold(aboveID: aboveID, cause: hold.cause, since: hold.since))))
        return hold
    }

    // MARK: - Scans

    mutating func startScan(at now: Int64, _ effects: inout [RelayEffect]) {
        guard work != .absent, scan == .idle, suspension == nil, scanWanted, now >= nextScan else { return }
        scan = .running
        scanWanted = false
        effects.append(.scan)
    }

    /// What it was wanted for waits still.
    mutating func scanFailed(at now: Int64) {
        guard scan == .running else { return }
        scan = .idle
        scanWanted = true
        nextScan = now + policy.pollInterval
    }

    mutating func scanned(_ answer: SequenceScan, at now: Int64) {
        guard scan == .running else { return }
        scan = .idle
        let before = horizon.settledThrough
        horizon.scanned(lastValue: answer.lastValue, holders: answer.holders)
        orderedThrough = max(orderedThrough, horizon.settledThrough)
        if horizon.settledThrough > before || gap == nil {
            nextScan = now
            scanPause = 0
            nextClaim = min(nextClaim, now)
        } else {
            // The same answer again: ask less often, up to the poll interval.
            scanPause = min(policy.pollInterval, max(1, scanPause * 2))
            nextScan = now + scanPause
        }
        let somebodyReads = lanes.contains { !$0.isOnTail && mayRead($0, at: now) }
        if gap != nil || !horizon.firstScanIsOver || somebodyReads { scanWanted = true }
        guard gap == nil, scanWanted else { return }
        nextScan = now + max(scanPause, !horizon.firstScanIsOver ? policy.pollInterval / 10 : policy.pollInterval)
    }
}
