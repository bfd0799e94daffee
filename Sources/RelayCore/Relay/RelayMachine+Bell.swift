/// WAL mode: the stream rings, and the tail is read from the table, without locks.
extension RelayMachine {
    // MARK: - The stream

    mutating func startStream(at now: Int64, _ effects: inout [RelayEffect]) {
        guard !isStopping, tenure?.source.stream?.bell.opens(at: now) == true else { return }
        effects.append(.openStream)
    }

    mutating func streamStanding() { tenure?.source.stream?.streamStands() }

    mutating func streamEnded(at now: Int64) {
        let pause = policy.pollInterval...max(policy.pollInterval, 5000)
        tenure?.source.stream?.streamEnded(at: now, pause: pause)
    }

    mutating func rung(_ announcements: [Announcement]) {
        tenure?.source.stream?.rung(announcements, tail: tail.position, limit: policy.announcements)
    }

    // MARK: - Reading the tail

    mutating func startTailRead(at now: Int64, _ effects: inout [RelayEffect]) {
        guard suspension == nil, !isStopping, !tailIsPaused, tailIsHungry, isTailReadDue(at: now), tailHasRoom
        else { return }
        let request = ReadRequest(
            sink: "", after: tail.position, through: waitingBelow.map { $0 - 1 } ?? .max, rows: policy.batchSize,
            bytes: policy.memory / (4 * max(1, lanes.count)), idsOnly: false)
        let isUnheard = tenure?.source.stream?.bell.isUnheard == true
        let missing =
            tenure?.source.stream?.bell.standing?.waiting.missing(above: tail.position, through: request.through) ?? []
        tenure?.source.stream?.reads(request, closedWhenSent: tail.horizon.closedThrough, mayEndUnheard: isUnheard)
        effects.append(.readTail(TailRequest(rows: request, transactions: missing, wantsEdges: isUnheard)))
    }

    private func isTailReadDue(at now: Int64) -> Bool {
        guard tenure?.source.stream?.mayRead(at: now) == true else { return false }
        if tenure?.source.stream?.isDue(at: now) == true { return true }
        guard let gap = tenure?.gap else {
            return tenure?.source.stream?.isRung == true || isAskedFor(through: .max, at: now)
        }
        if !gap.isTimed, mayClose(gap) { return true }
        return isAskedFor(through: gap.waiting - 1, at: now)
    }

    private func isAskedFor(through: Int64, at now: Int64) -> Bool {
        tenure?.source.stream?.bell.standing?.isAsked(tail: tail.position, through: through, at: now) ?? false
    }

    mutating func tailRead(_ answer: TailRows, at now: Int64, _ effects: inout [RelayEffect]) {
        guard let read = tenure?.source.stream?.takeRead(at: now) else {
            if let token = answer.rows.token { effects.append(.release(token)) }
            return
        }
        batchMemory.add(answer.rows, isOfTail: true)
        // Else the tail went on without it, on a lane that was ahead: what was read does not join on.
        guard read.request.after == tail.position else { return }
        let closedWhenSent = rules.absenceNeedsEarlierHorizon ? read.closedWhenSent : tail.horizon.closedThrough
        take(answer, within: read.request)
        let isWhole = handTail(answer, through: read.request.through, closedWhenSent: closedWhenSent, at: now, &effects)
        let isThrough = isWhole && tenure?.gap == nil
        if !answer.reachedEnd, isThrough { tenure?.source.stream?.goesOn() }
        if read.mayEndUnheard, let edges = answer.edges,
            tenure?.source.stream?.bell.standing?.endUnheard(edges, reachedEnd: answer.reachedEnd && isThrough) == true
        {
            tenure?.turns.sweepEverything()
            effects.append(.note(.streaming))
        }
        let through = waitingBelow.map { $0 - 1 } ?? .max
        tenure?.source.stream?.bell.standing?.asked(
            tail: tail.position, through: through, at: now, atMost: min(policy.pollInterval, 20))
        scheduleTailRead(at: now, foundRows: !answer.rows.ids.isEmpty)
    }

    /// The timer is a net once everything rings, and before that it reads as often as polling does.
    private mutating func scheduleTailRead(at now: Int64, foundRows: Bool) {
        let gap = tenure?.gap
        if ringsForAll, gap?.isTimed != true {
            tenure?.source.stream?.waits(policy.netInterval, at: now)
        } else {
            tenure?.source.stream?.slows(
                foundRows: foundRows && gap == nil, at: now, atMost: policy.pollInterval,
                atLeast: gap?.isAtUnreadableRow == true ? policy.faultInterval : 0)
        }
    }

    /// What the read says of announced ids: shown, gone, or to be asked for again.
    private mutating func take(_ answer: TailRows, within request: ReadRequest) {
        // A full portion says nothing of what lies above its last row.
        let end = answer.reachedEnd ? request.through : answer.rows.ids.last ?? request.after
        var covered = IDRanges()
        if end > request.after {
            covered.insert(IDRange(request.after + 1, end))
        }
        tenure?.source.stream?.bell.standing?.read(answer.rows.ids, covered: covered, visible: Set(answer.visible))
    }

    /// Hands on what is in order.
    ///
    /// - Returns: whether that was everything.
    private mutating func handTail(
        _ answer: TailRows, through: Int64, closedWhenSent: Int64, at now: Int64, _ effects: inout [RelayEffect]
    ) -> Bool {
        let ids = answer.rows.ids
        let drawn = answer.lastValue.flatMap { last in ids.firstIndex { $0 > last } } ?? ids.count
        let found = Tail.mayHandOn(
            Array(ids.prefix(drawn)), after: tail.position, closedThrough: tail.closed(closedWhenSent),
            gone: tenure?.source.gone ?? IDRanges())
        if found.count > 0 {
            hand([RowSlice(answer.rows, 0..<found.count)])
            tail.sawContiguous(through: found.through)
            tenure?.source.stream?.bell.handed(Array(ids.prefix(found.count)))
            closeGapBelow(&effects)
        }
        if found.count < ids.count {
            let waiting = ids[found.count]
            if found.count == drawn {
                tenure?.openGap(waiting: waiting, .aboveSequence(waiting), at: now)
            } else {
                tenure?.openGap(waiting: waiting, .unknown, patience: policy.gapPatience, at: now)
            }
        } else if let fault = answer.fault {
            openGap(before: fault, at: now, &effects)
        } else if let open = tenure?.gap, tail.position < open.waiting, answer.reachedEnd, through >= open.waiting {
            // What waited is gone.
            closeGap(&effects)
        }
        return found.count == ids.count && answer.fault == nil
    }

    mutating func tailReadFailed(at now: Int64) {
        tenure?.source.stream?.readFailed(until: now + policy.pollInterval)
    }
}
