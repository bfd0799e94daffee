extension RelayMachine {
    /// Whether the tail is fed from the table now.
    var polls: Bool { stream.phase != .leading }

    /// Chooses what the work session does next.
    mutating func startWork(at now: Int64, _ effects: inout [RelayEffect]) {
        if case .holding(let until) = work { endHolding(until, at: now, &effects) }
        guard work == .idle else { return }
        if startSettling(at: now, &effects) { return }
        guard !isStopping, suspension == nil else { return }
        if startFixing(at: now, &effects) { return }
        if startSweep(at: now, &effects) { return }
        if startStreamLook(&effects) { return }
        startClaim(at: now, &effects)
    }

    private var tailIsHungry: Bool {
        lanes.contains { lane in
            guard lane.isOnTail else { return false }
            if case .closed = lane.health { return false }
            return lane.queue.count + lane.unsettled < policy.window
        }
    }

    private mutating func startClaim(at now: Int64, _ effects: inout [RelayEffect]) {
        guard polls, !tailIsPaused, now >= nextClaim, tailIsHungry else { return }
        guard tailHasRoom else { return makeRoom() }
        let known = max(horizon.settledThrough, 0)
        // While a gap is open, claims stay below the row that waits; a new horizon may close it.
        let below = gap.flatMap { gapMayClose($0) ? nil : $0.waiting }
        let request = ClaimRequest(
            after: tail, below: below, rows: policy.batchSize, bytes: policy.memory / (4 * max(1, lanes.count)),
            looksFirst: claimPause > 0)
        work = .claiming(request, known: known)
        effects.append(.claim(request))
    }

    /// What the stream has brought must not keep the table from being drained: the table has it too.
    private mutating func makeRoom() {
        guard stream.phase == .standing, !stream.pending.isEmpty else { return }
        stream.askAgain()
        scanWanted = true
    }

    private func gapMayClose(_ gap: Gap) -> Bool {
        switch gap.cause {
        case .lockedRow, .aboveSequence: true
        case .transaction, .unknown: horizon.settledThrough >= gap.waiting - 1
        }
    }

    mutating func claimed(_ answer: ClaimedRows, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .claiming(let request, let known) = work else {
            if let token = answer.rows.token { effects.append(.release(token)) }
            return
        }
        held.hold(answer.rows, isOfTail: true)
        var answer = answer
        if let lastValue = answer.lastValue, let above = answer.rows.ids.firstIndex(where: { $0 > lastValue }) {
            // Nobody has drawn such an id: it was given by hand, or the sequence went back.
            let waiting = answer.rows.ids[above]
            if above == 0 {
                openGap(waiting: waiting, .aboveSequence(waiting), at: now)
                return endEmptyClaim(answer, at: now, &effects)
            }
            answer = answer.prefix(above)
        }
        let found = deliverable(answer.rows.ids, after: tail, settled: settledForTail(known))
        if found.count == answer.rows.ids.count, answer.reachedEnd, request.below == nil,
            found.closed.isEmpty || answer.rows.ids.isEmpty
        {
            noteDrained(through: known, at: now, &effects)
        }
        guard found.count > 0 else {
            if let waiting = answer.rows.ids.first {
                openGap(waiting: waiting, .unknown, at: now)
            } else if request.below == nil {
                // What waited is gone, or locked like what it waited for: a later claim tells.
                closeGap(&effects)
            }
            return endEmptyClaim(answer, at: now, &effects)
        }
        if !found.closed.isEmpty {
            // A locked row is skipped by the claim and must not pass for absent.
            work = .looking(found.closed, claim: answer, known: known)
            effects.append(.look(found.closed))
            return
        }
        handClaim(answer, count: found.count, known: known, at: now, &effects)
    }

    private mutating func endEmptyClaim(_ answer: ClaimedRows, at now: Int64, _ effects: inout [RelayEffect]) {
        work = .idle
        if answer.isOpen { effects.append(.endClaim) }
        claimPause = min(policy.pollInterval, max(1, claimPause * 2))
        nextClaim = now + claimPause
    }

    private mutating func handClaim(
        _ answer: ClaimedRows, count: Int, known: Int64, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        let found = deliverable(
            Array(answer.rows.ids.prefix(count)), after: tail, settled: settledForTail(known))
        // Where the tail stands on streamed rows it may be ahead of what is visible, which the horizon must not be.
        let standsOnHorizon = tail <= known
        hand([RowSlice(answer.rows, 0..<count)])
        if standsOnHorizon { horizon.sawContiguous(through: found.through) }
        if count < answer.rows.ids.count {
            openGap(waiting: answer.rows.ids[count], .unknown, at: now)
        } else if let open = gap, tail >= open.waiting {
            closeGap(&effects)
        }
        claimPause = 0
        nextClaim = now
        work = .holding(until: now + policy.settleInterval)
    }

    private mutating func endHolding(_ until: Int64, at now: Int64, _ effects: inout [RelayEffect]) {
        // Nothing is with a sink: all is delivered, or a window is full and settling makes room.
        let isDelivered = lanes.allSatisfy { !$0.isOnTail || !$0.isSending }
        guard isDelivered || now >= until || isStopping else { return }
        if lanes.contains(where: \.hasNews) {
            settle(inClaim: true, at: now, &effects)
        } else {
            work = .idle
            effects.append(.endClaim)
        }
    }

    mutating func looked(_ found: LookedRows, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .looking(let ranges, let claim, let known) = work else { return }
        guard let claim else { return streamLooked(found, ranges, known: known, at: now, &effects) }
        let stop = (found.unpublished + found.published).min() ?? Int64.max
        let count = claim.rows.ids.firstIndex { $0 > stop } ?? claim.rows.ids.count
        let allowed = min(
            count, deliverable(claim.rows.ids, after: tail, settled: settledForTail(known)).count)
        if allowed > 0 {
            handClaim(claim, count: allowed, known: known, at: now, &effects)
        } else {
            endEmptyClaim(claim, at: now, &effects)
        }
        guard stop < Int64.max else { return }
        if found.published.contains(stop) {
            // What is there is delivered in its place: the lanes read it from the table, both leaves.
            everyLaneLeavesTail(&effects)
            closeGap(&effects)
        } else {
            openGap(waiting: claim.rows.ids[count < claim.rows.ids.count ? count : 0], .lockedRow(stop), at: now)
        }
    }

    mutating func workFailed(at now: Int64) {
        guard work != .absent else { return }
        work = .idle
        claimPause = policy.pollInterval
        nextClaim = now + policy.pollInterval
        nextSettle = now + policy.settleInterval
        settledNothing = true
        nextSweep = max(nextSweep, now + policy.pollInterval)
        nextFix = now + policy.pollInterval
    }
}

extension ClaimedRows {
    /// The claim's first `count` rows; what is left out makes it one that did not reach the end.
    fileprivate func prefix(_ count: Int) -> ClaimedRows {
        var result = self
        result.rows.ids = Array(rows.ids.prefix(count))
        result.rows.createdAt = Array(rows.createdAt.prefix(count))
        result.reachedEnd = false
        return result
    }
}
