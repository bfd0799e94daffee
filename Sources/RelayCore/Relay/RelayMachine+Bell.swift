/// WAL mode: the stream rings, and the tail is read from the table, without locks.
extension RelayMachine {
    /// A read of the tail that is under way.
    struct TailRead: Hashable, Sendable {
        var request: ReadRequest
        /// The horizon that was known when it was sent.
        var known: Int64
        /// It looks for what may be unheard.
        var looksForUnheard: Bool
    }

    // MARK: - The stream

    mutating func startStream(at now: Int64, _ effects: inout [RelayEffect]) {
        guard policy.usesStream, !isStopping, work != .absent, bell.phase == .absent, now >= bell.nextOpen else {
            return
        }
        bell.phase = .opening
        effects.append(.openStream)
    }

    mutating func streamStanding() {
        bell.stands()
        tailRead?.looksForUnheard = false
    }

    mutating func streamEnded(at now: Int64) {
        let pause = bell.openPause
        bell.reset(nextOpen: 0)
        bell.openPause = min(max(policy.pollInterval, pause * 2), max(policy.pollInterval, 5000))
        bell.nextOpen = now + bell.openPause
        tailRead?.looksForUnheard = false
        nextTailRead = now
    }

    mutating func rung(_ announcements: [Announcement]) {
        guard bell.phase == .standing else { return }
        for announcement in announcements {
            if !bell.ring(announcement, tail: tail, limit: policy.announcements) {
                tailRead?.looksForUnheard = false
            }
        }
    }

    /// When something is to be done though nothing else happens.
    var bellTimes: [Int64] {
        var times = [bell.nextOpen]
        if tailRead == nil { times.append(max(nextTailRead, tailReadBarrier)) }
        if !bell.announced.isEmpty { times.append(max(bell.nextQuestion, tailReadBarrier)) }
        return times
    }

    // MARK: - Reading the tail

    mutating func startTailRead(at now: Int64, _ effects: inout [RelayEffect]) {
        guard policy.usesStream, work != .absent, suspension == nil, !isStopping, tailRead == nil, !tailIsPaused,
            tailIsHungry, isTailReadDue(at: now), tailHasRoom
        else { return }
        // While a gap is open only what lies below the row that waits is of use.
        let below = gap.flatMap { gapMayClose($0) ? nil : $0.waiting }
        let request = ReadRequest(
            sink: "", after: tail, through: below.map { $0 - 1 } ?? .max, rows: policy.batchSize,
            bytes: policy.memory / (4 * max(1, lanes.count)), idsOnly: false)
        let looks = bell.phase == .standing && bell.unheard != .none
        bell.isRung = false
        tailRead = TailRead(request: request, known: horizon.settledThrough, looksForUnheard: looks)
        effects.append(
            .readTail(
                TailRequest(
                    rows: request, transactions: bell.announced.missing(above: tail, through: request.through),
                    wantsEdges: looks)))
    }

    private func isTailReadDue(at now: Int64) -> Bool {
        guard now >= tailReadBarrier else { return false }
        if now >= nextTailRead { return true }
        guard let gap else { return bell.isRung || isAskedFor(through: .max, at: now) }
        if !gap.isTimed, gapMayClose(gap) { return true }
        return isAskedFor(through: gap.waiting - 1, at: now)
    }

    private func isAskedFor(through: Int64, at now: Int64) -> Bool {
        rules.missingIsAskedAgain && now >= bell.nextQuestion && bell.announced.contains(above: tail, through: through)
    }

    mutating func tailRead(_ answer: TailRows, at now: Int64, _ effects: inout [RelayEffect]) {
        guard let read = tailRead else {
            if let token = answer.rows.token { effects.append(.release(token)) }
            return
        }
        tailRead = nil
        held.hold(answer.rows, isOfTail: true)
        guard read.request.after == tail else {
            // The tail went on without it, on a lane that was ahead: what was read does not join on.
            nextTailRead = now
            return
        }
        let known = rules.absenceNeedsEarlierHorizon ? read.known : horizon.settledThrough
        take(answer, within: read.request)
        let isWhole = handTail(answer, through: read.request.through, known: known, at: now, &effects)
        let reachedEnd = answer.reachedEnd && isWhole && gap == nil
        if !answer.reachedEnd, isWhole, gap == nil { bell.isRung = true }
        if read.looksForUnheard, let edges = answer.edges, bell.looked(edges, reachedEnd: reachedEnd) {
            sweepEverything()
            effects.append(.note(.streaming))
        }
        let through = gap.map { gapMayClose($0) ? Int64.max : $0.waiting - 1 } ?? .max
        let isMissing = !bell.announced.missing(above: tail, through: through).isEmpty
        bell.asked(isMissing: isMissing, at: now, atMost: min(policy.pollInterval, 20))
        scheduleTailRead(at: now, foundRows: !answer.rows.ids.isEmpty)
    }

    /// The timer is a net once everything rings, and looks as often as polling does before.
    private mutating func scheduleTailRead(at now: Int64, foundRows: Bool) {
        if bell.ringsForAll, gap?.isTimed != true {
            nextTailRead = now + policy.netInterval
        } else {
            tailPause = foundRows && gap == nil ? 0 : min(policy.pollInterval, max(1, tailPause * 2))
            nextTailRead = now + tailPause
            if case .unreadableRow = gap?.cause { nextTailRead = max(nextTailRead, now + policy.faultInterval) }
        }
    }

    /// What the read says of announced ids: shown, gone, or to be asked for again.
    private mutating func take(_ answer: TailRows, within request: ReadRequest) {
        guard !bell.announced.isEmpty else { return }
        // A full portion says nothing of what lies above its last row.
        let end = answer.reachedEnd ? request.through : answer.rows.ids.last ?? request.after
        var covered = IDRanges()
        if end > request.after {
            covered.insert(IDRange(request.after + 1, rules.absenceNeedsCover ? end : request.through))
        }
        bell.read(
            rows: IDRanges(ascending: answer.rows.ids), covered: covered, visible: Set(answer.visible))
    }

    /// Hands on what is in order.
    ///
    /// - Returns: whether that was everything.
    private mutating func handTail(
        _ answer: TailRows, through: Int64, known: Int64, at now: Int64, _ effects: inout [RelayEffect]
    ) -> Bool {
        let ids = answer.rows.ids
        let drawn = answer.lastValue.flatMap { last in ids.firstIndex { $0 > last } } ?? ids.count
        let found = deliverable(
            Array(ids.prefix(drawn)), after: tail, settled: settledForTail(known), gone: bell.gone)
        if found.count > 0 {
            hand([RowSlice(answer.rows, 0..<found.count)])
            horizon.sawContiguous(through: found.through)
            orderedThrough = max(orderedThrough, horizon.settledThrough)
            bell.handed(Array(ids.prefix(found.count)))
            if let open = gap, tail >= open.waiting { closeGap(&effects) }
        }
        if found.count < ids.count {
            let waiting = ids[found.count]
            openGap(waiting: waiting, found.count == drawn ? .aboveSequence(waiting) : .unknown, at: now)
        } else if let fault = answer.fault {
            openGap(before: fault, at: now, &effects)
        } else if let open = gap, tail < open.waiting, answer.reachedEnd, through >= open.waiting {
            // What waited is gone.
            closeGap(&effects)
        }
        return found.count == ids.count && answer.fault == nil
    }

    mutating func tailReadFailed(at now: Int64) {
        guard tailRead != nil else { return }
        tailRead = nil
        tailReadBarrier = now + policy.pollInterval
        nextTailRead = tailReadBarrier
    }
}

extension RelayMachine.Gap {
    /// Nothing tells when it may close: it is looked at again after a while.
    var isTimed: Bool {
        switch cause {
        case .lockedRow, .aboveSequence, .unreadableRow: true
        case .transaction, .unknown: false
        }
    }
}
