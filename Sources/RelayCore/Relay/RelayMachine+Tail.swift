extension RelayMachine {
    /// Hands rows, ascending and in order, to every lane on the tail.
    ///
    /// - Precondition (of the ordering, held by the callers): each row's predecessors are closed.
    mutating func hand(_ slices: [RowSlice]) {
        guard let last = slices.last?.ids.last else { return }
        for index in lanes.indices where lanes[index].isOnTail {
            for slice in slices { lanes[index].enqueue(slice) }
        }
        tail.handed(through: last)
        stamp += 1
    }

    /// Whether the tail waits for a lane that is about to meet it.
    var tailIsPaused: Bool { lanes.any { $0.place == .meeting } }

    /// Whether the row that waits above the gap may be handed on, as far as is known without looking.
    func mayClose(_ gap: Gap) -> Bool {
        if gap.isTimed { return true }
        let closed = max(tail.position, tail.closed(tail.horizon.closedThrough))
        return closed >= gap.waiting - 1
            || tenure?.source.gone.covers(IDRange(closed + 1, gap.waiting - 1)) == true
    }

    /// The row that waits, where only what lies below it is of use: its gap stays open. A new horizon may close it.
    var waitingBelow: Int64? { tenure?.gap.flatMap { mayClose($0) ? nil : $0.waiting } }

    /// A row that cannot be read holds the order at its place until somebody fixes or deletes it.
    mutating func openGap(before fault: RowFault, at now: Int64, _ effects: inout [RelayEffect]) {
        tenure?.openGap(waiting: fault.id, .unreadableRow(fault), at: now)
        if tenure?.gap?.told != fault.id { effects.append(.note(.rowFault(fault))) }
        tenure?.gap?.told = fault.id
    }

    /// The tail goes on from where a lane is that was ahead: nobody hands on what lies between.
    mutating func goOn(from place: Int64, _ effects: inout [RelayEffect]) {
        tail.goOn(from: place)
        closeGapBelow(&effects)
    }

    /// Nothing waits above a gap once the tail has passed it.
    mutating func closeGapBelow(_ effects: inout [RelayEffect]) {
        if let gap = tenure?.gap, tail.position >= gap.waiting { closeGap(&effects) }
    }

    mutating func closeGap(_ effects: inout [RelayEffect]) {
        if tenure?.gap?.hold.isNamed == true { effects.append(.note(.orderReleased)) }
        tenure?.gap = nil
    }

    /// Names what has held the order back for a while: a gap of the tail, or a new sink's start that cannot be fixed.
    mutating func nameHolds(at now: Int64, _ effects: inout [RelayEffect]) {
        if others.contains(where: { !$0.isFixed }), tail.horizon.hasScanned, !tail.horizon.firstScanIsOver {
            if tenure?.startHold == nil { tenure?.startHold = StandingHold(.unknown, since: now) }
        } else {
            if tenure?.startHold?.isNamed == true { effects.append(.note(.orderReleased)) }
            tenure?.startHold = nil
        }
        guard tenure?.gap != nil || tenure?.startHold != nil else { return }
        let lowest = tail.horizon.lowestHolder?.holder
        if tenure?.gap?.hold.name(after: lowest, notice: policy.holdNotice, at: now) == true {
            tell(tenure?.gap?.hold, aboveID: tail.position, &effects)
        }
        if tenure?.startHold?.name(after: lowest, notice: policy.holdNotice, at: now) == true {
            tell(tenure?.startHold, aboveID: tail.horizon.closedThrough, &effects)
        }
    }

    private func tell(_ hold: StandingHold?, aboveID: Int64, _ effects: inout [RelayEffect]) {
        guard let hold else { return }
        effects.append(.note(.orderHold(OrderHold(aboveID: aboveID, cause: hold.cause, since: hold.since))))
    }

    // MARK: - Scans

    mutating func startScan(at now: Int64, _ effects: inout [RelayEffect]) {
        if let time = tenure?.gap?.nextScan, now >= time {
            tenure?.gap?.nextScan = nil
            tenure?.scan.want()
        }
        guard suspension == nil, tenure?.scan.starts(at: now) == true else { return }
        effects.append(.scan)
    }

    /// What it was wanted for waits still.
    mutating func scanFailed(at now: Int64) {
        guard case .running = tenure?.scan else { return }
        tenure?.scan = .idle(next: now + policy.pollInterval, wanted: true)
    }

    mutating func scanned(_ answer: SequenceScan, at now: Int64) {
        guard case .running(let again) = tenure?.scan else { return }
        let isGapOpen = tenure?.gap != nil
        let before = tail.horizon.closedThrough
        let told = tail.scanned(answer, somethingWaits: isGapOpen, at: now, longestPause: policy.pollInterval)
        if isGapOpen && told.isNews || tail.horizon.closedThrough > before {
            tenure?.source.claims?.claimsAtOnce(at: now)
        }
        let firstIsOver = tail.horizon.firstScanIsOver
        let somebodyReads = lanes.any { !$0.isOnTail && mayRead($0, at: now) }
        let wanted = again || isGapOpen || !firstIsOver || somebodyReads
        let pause = firstIsOver ? policy.pollInterval : policy.pollInterval / 10
        tenure?.scan = .idle(next: wanted && !isGapOpen ? now + pause : told.next, wanted: wanted)
    }
}
