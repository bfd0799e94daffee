import RelayCore

extension Relay {
    /// Does what the machine decided; whatever waits runs in a task of its own.
    func perform(_ effect: RelayEffect) {
        guard let sessions = leading?.sessions else { return performWithoutLead(effect) }
        switch effect {
        case .scan: scan(sessions)
        case .claim, .recheckGaps, .settle, .endClaim, .sweep, .fixStarts: performOnWork(effect, sessions)
        case .readTail(let request): readTail(request, sessions)
        case .read(let request): read(request, sessions)
        case .readOwed(let sink, let ids): readOwed(sink, ids, sessions)
        case .readParked(let sink, let ids): readParked(sink, ids, sessions)
        case .openStream: openStream(sessions)
        case .openSink(let sink): open(sink, sessions)
        case .deliver(let sink, let flight, let slices): deliver(DeliveryPlace(sink: sink, flight: flight), slices)
        case .cancelDelivery(let sink): cancelDeliveries(sink)
        case .release(let token): release(token)
        case .note(let note): tell(note)
        case .finished(let end): endLead(.finished(end))
        }
    }

    /// Between leads only answers of sinks come in.
    private func performWithoutLead(_ effect: RelayEffect) {
        switch effect {
        case .release(let token): release(token)
        case .note(let note): tell(note)
        case .cancelDelivery(let sink): cancelDeliveries(sink)
        case .finished(let end):
            endBetweenLeads = end
            waitingTask?.cancel()
        default: break
        }
    }

    // MARK: - Leader session

    private func scan(_ sessions: any LeaderSessions) {
        let term = term
        spawn { relay in
            do {
                relay.take(.scanned(try await sessions.watch.scan()), term: term)
            } catch {
                relay.scanFailed(error, sessions, term)
            }
        }
    }

    private func scanFailed(_ error: any Error, _ sessions: any LeaderSessions, _ term: Int) {
        guard term == self.term else { return }
        if sessions.isLoss(error) { return endLead(.lost(Self.describe(error))) }
        tellFailure("looking for transactions that hold back the order", error)
        take(.scanFailed, term: term)
    }

    // MARK: - Work session

    private func performOnWork(_ effect: RelayEffect, _ sessions: any LeaderSessions) {
        let (term, known) = (term, known)
        watchWork(sessions)
        // One after the other: the end of a claim is not answered, and the next work must not pass it.
        let before = leading?.lastWork
        let number = workNumber
        let work = spawn { relay in
            await before?.value
            do {
                try await relay.work(effect, sessions, known, term)
            } catch {
                relay.workFailed(error, effect, sessions, term)
            }
            relay.workIsDone(number, term)
        }
        leading?.lastWork = work
    }

    private nonisolated func work(
        _ effect: RelayEffect, _ sessions: any LeaderSessions, _ known: KnownProgress, _ term: Int
    ) async throws {
        switch effect {
        case .claim(let request):
            let answer = try await sessions.work.claim(request)
            await claimed(answer, term)
        case .endClaim: try await sessions.work.endClaim()
        case .recheckGaps(let gaps): await take(.gapsRechecked(try await sessions.work.recheckGaps(gaps)), term: term)
        case .settle(let lanes, let inClaim):
            await settled(try await sessions.work.settle(lanes, inClaim: inClaim), term)
        case .sweep(let request):
            let answer = try await sessions.work.sweep(request, known: known)
            await take(.swept(answer), term: term)
        case .fixStarts(let closedThrough, let firstScanIsOver):
            let sinks = try await sessions.work.fixStarts(
                closedThrough: closedThrough, firstScanIsOver: firstScanIsOver)
            await startsFixed(sinks, term)
        default: break
        }
    }

    private func claimed(_ answer: FetchedClaim, _ term: Int) {
        guard term == self.term else { return }
        take(
            .claimed(
                ClaimedRows(
                    rows: keep(answer.rows), lastValue: answer.lastValue, reachedEnd: answer.rows.reachedEnd,
                    isOpen: answer.isOpen, fault: answer.rows.faults.first)), term: term)
    }

    private func settled(_ state: SettledState, _ term: Int) {
        guard term == self.term else { return }
        known.settled(state.sinks)
        for fault in state.unmoved { tell(fault) }
        take(.settled(state), term: term)
    }

    private func startsFixed(_ sinks: [SinkRegistration], _ term: Int) {
        guard term == self.term else { return }
        take(.startsFixed(sinks), term: term)
    }

    private func workFailed(
        _ error: any Error, _ effect: RelayEffect, _ sessions: any LeaderSessions, _ term: Int
    ) {
        guard term == self.term else { return }
        if effect == .endClaim, !sessions.isLoss(error) {
            // The claim is over in any case, and what the machine waits for is other work.
            return tellFailure("ending a claim", error)
        }
        if let travel = error as? TimeTravel {
            take(.workFailed, term: term)
            spawn { relay in await relay.halt(travel, sessions, term) }
            return
        }
        if sessions.isLoss(error) { return endLead(.lost(Self.describe(error))) }
        tellFailure(effect.workName, error)
        take(.workFailed, term: term)
        // It may have given up waiting for a lock.
        spawn { relay in await relay.tellWaits(sessions, term) }
    }

    private func workIsDone(_ number: Int, _ term: Int) {
        if term == self.term, leading?.work?.number == number { leading?.work = nil }
    }

    /// Work that takes long is looked after: what it waits for on the server is said. One watch does for all that comes
    /// while it lasts: a timer for each piece of work would be most of what an idle relay does.
    private func watchWork(_ sessions: any LeaderSessions) {
        workNumber += 1
        leading?.work = WorkUnderWay(number: workNumber, since: clock.now)
        guard leading?.isWorkWatched == false else { return }
        leading?.isWorkWatched = true
        let term = term
        spawn { relay in
            while let next = await relay.lookAtWork(sessions, term), !Task.isCancelled {
                await relay.clock.sleep(until: next)
            }
        }
    }

    /// - Returns: when to look again; nil: nothing is under way.
    private func lookAtWork(_ sessions: any LeaderSessions, _ term: Int) async -> Int64? {
        guard term == self.term else { return nil }
        guard let work = leading?.work else {
            leading?.isWorkWatched = false
            return nil
        }
        let due = work.since + Self.workPatience
        guard clock.now >= due else { return due }
        // As often as that: the same is not told again at once, and a wait that begins late is named in time.
        await tellWaits(sessions, term)
        return clock.now + Self.workPatience
    }

    /// How long work may take before it is looked at, in milliseconds: a wait is told once it has lasted a second, and it
    /// begins a little after the work.
    private static let workPatience: Int64 = 1200

    private func tellWaits(_ sessions: any LeaderSessions, _ term: Int) async {
        guard let waits = try? await sessions.watch.standingWaits(), term == self.term else { return }
        for wait in waits where repeated.admit(wait.sentence, at: clock.now) != nil {
            report(wait.isCommit ? .commitWaits(wait.milliseconds) : .waits(wait.sentence))
        }
    }

    /// Something failed; where it goes on failing for the same reason, not every time is told.
    func tellFailure(_ what: String, _ error: any Error) {
        let reason = Self.describe(error)
        guard let unsaid = repeated.admit("\(what): \(reason)", at: clock.now) else { return }
        report(.failed(what: what, reason: unsaid > 0 ? "\(reason) (\(unsaid) earlier repeats not logged)" : reason))
    }

    // MARK: - Reading sessions

    private func readTail(_ request: TailRequest, _ sessions: any LeaderSessions) {
        let term = term
        spawn { relay in
            do {
                let found = try await sessions.readTail(request)
                relay.tailRead(found, term)
            } catch {
                relay.tailReadFailed(error, term)
            }
        }
    }

    private func tailRead(_ found: FetchedTail, _ term: Int) {
        guard term == self.term else { return }
        take(
            .tailRead(
                TailRows(
                    rows: keep(found.rows), lastValue: found.lastValue, reachedEnd: found.rows.reachedEnd,
                    visible: found.visible, edges: found.edges, fault: found.rows.faults.first)), term: term)
    }

    private func tailReadFailed(_ error: any Error, _ term: Int) {
        guard term == self.term else { return }
        tellFailure("reading the table", error)
        take(.tailReadFailed, term: term)
    }

    private func read(_ request: ReadRequest, _ sessions: any LeaderSessions) {
        let term = term
        spawn { relay in
            do {
                let rows = try await sessions.read(request)
                relay.rowsRead(rows, term) { batch in
                    .rowsRead(sink: request.sink, batch, reachedEnd: rows.reachedEnd, fault: rows.faults.first)
                }
            } catch {
                relay.readFailed(.rows, of: request.sink, error, term)
            }
        }
    }

    private func readOwed(_ sink: String, _ ids: [Int64], _ sessions: any LeaderSessions) {
        let term = term
        spawn { relay in
            do {
                let rows = try await sessions.readOwed(ids)
                relay.rowsRead(rows, term) {
                    .owedRowsRead(sink: sink, $0, reachedEnd: rows.reachedEnd, faults: rows.faults)
                }
            } catch {
                relay.readFailed(.owed, of: sink, error, term)
            }
        }
    }

    private func readParked(_ sink: String, _ ids: [Int64], _ sessions: any LeaderSessions) {
        let term = term
        spawn { relay in
            do {
                let rows = try await sessions.readParked(sink, ids)
                relay.rowsRead(rows, term) { .parkedRowsRead(sink: sink, $0) }
            } catch {
                relay.readFailed(.parked, of: sink, error, term)
            }
        }
    }

    private func rowsRead(_ rows: FetchedRows, _ term: Int, _ input: (RowBatch) -> RelayInput) {
        guard term == self.term else { return }
        take(input(keep(rows)), term: term)
    }

    private func readFailed(_ read: LaneRead, of sink: String, _ error: any Error, _ term: Int) {
        guard term == self.term else { return }
        tellFailure("reading the table for sink \(sink)", error)
        take(.readFailed(sink: sink, read), term: term)
    }

    // MARK: - Stream

    private func openStream(_ sessions: any LeaderSessions) {
        let term = term
        leading?.stream?.cancel()
        let stream = clock.task {
            await sessions.stream { report in await self.streamed(report, term) }
        }
        leading?.stream = stream
    }

    private func streamed(_ streamReport: StreamReport, _ term: Int) {
        guard term == self.term else { return }
        switch streamReport {
        case .standing: take(.streamStanding, term: term)
        case .rung(let announcements): take(.rung(announcements), term: term)
        case .ended(let reason):
            if reason != leading?.pollingReason { report(.polling(reason: reason)) }
            leading?.pollingReason = reason
            leading?.isStreamingTold = false
            take(.streamEnded, term: term)
        }
    }

    // MARK: - Batches

    /// Gives the batch a token; the machine says when to let go.
    private func keep(_ rows: FetchedRows) -> RowBatch {
        guard let batch = rows.batch, batch.count > 0 else { return RowBatch(token: nil, ids: rows.ids) }
        let token = freeTokens.popLast() ?? BatchToken(batches.count)
        batches[token] = batch
        buffered.add(batch.byteCount)
        return RowBatch(
            token: token, ids: batch.ids, marks: batch.marks, keys: settings.needsKeys ? batch.keys : [],
            bytes: batch.byteCount)
    }

    private func release(_ token: BatchToken) {
        guard let batch = batches.removeValue(forKey: token) else { return }
        buffered.add(-batch.byteCount)
        freeTokens.append(token)
    }
}

extension RelayEffect {
    /// What the work session does, for a log line.
    fileprivate var workName: String {
        switch self {
        case .claim: "claiming rows"
        case .recheckGaps: "rechecking missing ids"
        case .settle: "marking events as published"
        case .sweep: "looking for late events"
        case .fixStarts: "setting where a new sink starts"
        default: "working on the table"
        }
    }
}
