extension RelayMachine {
    /// Chooses what the work session does next.
    mutating func startWork(at now: Int64, _ effects: inout [RelayEffect]) {
        if case .keepingClaim(let until)? = tenure?.turns.work { endKeeping(until, at: now, &effects) }
        guard isWorkIdle else { return }
        if tenure?.source.claims?.isNext == true, !isStopping, suspension == nil {
            tenure?.source.claims?.isNext = false
            startClaim(at: now, &effects)
            guard isWorkIdle else { return }
        }
        if startSettling(at: now, &effects) { return }
        guard !isStopping, suspension == nil else { return }
        if startFixingStarts(at: now, &effects) { return }
        if startSweep(at: now, &effects) { return }
        startClaim(at: now, &effects)
    }

    var isWorkIdle: Bool { tenure?.turns.work == .idle }

    /// The work session has another turn than a claim, which comes first after it.
    mutating func takeTurn(_ turn: WorkTurns.Work) {
        tenure?.turns.work = turn
        tenure?.source.claims?.isNext = true
    }

    var tailIsHungry: Bool {
        for index in lanes.indices where lanes[index].isOnTail && !lanes[index].health.isClosed {
            if lanes[index].queue.count + lanes[index].unsettled < policy.window { return true }
        }
        return false
    }

    private mutating func startClaim(at now: Int64, _ effects: inout [RelayEffect]) {
        guard let pace = tenure?.source.claims?.pace, now >= pace.next, !tailIsPaused, tailIsHungry, tailHasRoom
        else { return }
        let request = ClaimRequest(
            after: tail.position, below: waitingBelow, rows: policy.batchSize,
            bytes: policy.memory / (4 * max(1, lanes.count)), probesFirst: pace.pause > 0)
        tenure?.turns.work = .claiming(request, closedWhenSent: tail.horizon.closedThrough)
        effects.append(.claim(request))
    }

    mutating func claimed(_ answer: ClaimedRows, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .claiming(let request, let closedWhenSent)? = tenure?.turns.work else {
            if let token = answer.rows.token { effects.append(.release(token)) }
            return
        }
        batchMemory.add(answer.rows, isOfTail: true)
        var answer = answer
        if let lastValue = answer.lastValue, let above = answer.rows.ids.firstIndex(where: { $0 > lastValue }) {
            // Nobody has drawn such an id: it was given by hand, or the sequence went back.
            let waiting = answer.rows.ids[above]
            if above == 0 {
                tenure?.openGap(waiting: waiting, .aboveSequence(waiting), at: now)
                return endEmptyClaim(answer, at: now, &effects)
            }
            answer = answer.prefix(above)
        }
        let found = Tail.mayHandOn(answer.rows.ids, after: tail.position, closedThrough: tail.closed(closedWhenSent))
        guard found.count > 0 else {
            if let waiting = answer.rows.ids.first {
                tenure?.openGap(waiting: waiting, .unknown, patience: policy.gapPatience, at: now)
            } else if let fault = answer.fault {
                openGap(before: fault, at: now, &effects)
                return endEmptyClaim(answer, notBefore: now + policy.faultInterval, at: now, &effects)
            } else if request.below == nil {
                // What waited is gone, or locked like what it waited for: a later claim tells.
                closeGap(&effects)
            }
            return endEmptyClaim(answer, at: now, &effects)
        }
        if !found.closed.isEmpty {
            // A locked row is skipped by the claim and must not pass for absent.
            tenure?.turns.work = .recheckingGaps(found.closed, claim: answer, closedWhenSent: closedWhenSent)
            effects.append(.recheckGaps(found.closed))
            return
        }
        handClaim(answer, count: found.count, closedWhenSent: closedWhenSent, at: now, &effects)
    }

    private mutating func endEmptyClaim(
        _ answer: ClaimedRows, notBefore: Int64 = 0, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        tenure?.turns.work = .idle
        if answer.isOpen { effects.append(.endClaim) }
        tenure?.source.claims?.pace.slow(at: now, atMost: policy.pollInterval, notBefore: notBefore)
    }

    private mutating func handClaim(
        _ answer: ClaimedRows, count: Int, closedWhenSent: Int64, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        let found = Tail.mayHandOn(
            Array(answer.rows.ids.prefix(count)), after: tail.position, closedThrough: tail.closed(closedWhenSent))
        hand([RowSlice(answer.rows, 0..<count)])
        tail.sawContiguous(through: found.through)
        if count < answer.rows.ids.count {
            tenure?.openGap(
                waiting: answer.rows.ids[count], .unknown, patience: policy.gapPatience, at: now)
        } else if let fault = answer.fault {
            openGap(before: fault, at: now, &effects)
        } else {
            closeGapBelow(&effects)
        }
        let spacing = answer.reachedEnd && count == answer.rows.ids.count ? policy.claimSpacing : 0
        tenure?.source.claims?.pace.restart(at: now + min(spacing, policy.pollInterval))
        tenure?.turns.work = .keepingClaim(until: now + policy.settleInterval)
    }

    private mutating func endKeeping(_ until: Int64, at now: Int64, _ effects: inout [RelayEffect]) {
        // Nothing is with a sink: all is delivered, or a window is full and settling makes room.
        let isDelivered = !lanes.any { $0.isOnTail && $0.isSending }
        guard isDelivered || now >= until || isStopping else { return }
        if lanes.any({ $0.hasNews(at: now) }), now >= settlements.failures.next {
            settle(inClaim: true, at: now, &effects)
        } else {
            tenure?.turns.work = .idle
            effects.append(.endClaim)
        }
    }

    mutating func gapsRechecked(_ answer: RowsInGaps, at now: Int64, _ effects: inout [RelayEffect]) {
        guard case .recheckingGaps(_, let claim, let closedWhenSent)? = tenure?.turns.work else { return }
        let stop = (answer.unpublished + answer.published).min() ?? Int64.max
        let count = claim.rows.ids.firstIndex { $0 > stop } ?? claim.rows.ids.count
        let found = Tail.mayHandOn(claim.rows.ids, after: tail.position, closedThrough: tail.closed(closedWhenSent))
        let allowed = min(count, found.count)
        if allowed > 0 {
            handClaim(claim, count: allowed, closedWhenSent: closedWhenSent, at: now, &effects)
        } else {
            endEmptyClaim(claim, at: now, &effects)
        }
        guard stop < Int64.max else { return }
        if answer.published.contains(stop) {
            // What is there is delivered in its place: the lanes read it from the table, both leaves.
            everyLaneLeavesTail(&effects)
            closeGap(&effects)
        } else {
            let waiting = claim.rows.ids[count < claim.rows.ids.count ? count : 0]
            tenure?.openGap(waiting: waiting, .lockedRow(stop), at: now)
        }
    }

    mutating func workFailed(at now: Int64) {
        guard let failed = tenure?.turns.work else { return }
        tenure?.turns.work = .idle
        let pause = max(policy.pollInterval, policy.faultInterval)
        switch failed {
        case .idle: break
        case .claiming, .recheckingGaps, .keepingClaim: tenure?.source.claims?.pace.rest(at: now, policy.pollInterval)
        case .settling: settlements.failed(at: now, interval: policy.settleInterval)
        case .sweeping(let request, _, _):
            // What it was asked for is asked for again.
            if request.parkedKeys { parkedKeysWanted = true }
            tenure?.turns.sweeps.failed(until: now + pause)
            tenure?.source.stream?.bell.sweeps.next = now + pause
        case .fixing: tenure?.turns.nextFix = now + pause
        }
    }
}

extension ClaimedRows {
    /// The claim's first `count` rows; what is left out makes it one that did not reach the end.
    fileprivate func prefix(_ count: Int) -> ClaimedRows {
        var result = self
        result.rows.ids = Array(rows.ids.prefix(count))
        result.rows.marks = Array(rows.marks.prefix(count))
        result.reachedEnd = false
        result.fault = nil
        return result
    }
}
