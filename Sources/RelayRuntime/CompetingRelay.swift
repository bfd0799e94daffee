import RelayCore

/// Runs a relay that shares the load with others, without order: does what ``CompetingMachine`` decides, and brings it
/// what came of it.
package actor CompetingRelay {
    private let outbox: any CompetingOutbox
    private let sink: any Sink
    private let clock: any RelayClock
    private let shutdownTimeout: Int64
    private let report: @Sendable (RelayReport) -> Void

    private var machine: CompetingMachine
    private var tenure: (any CompetingTenure)?
    /// Counts sessions: an answer to an earlier one is dropped.
    private var term = 0
    private var batch: EventBatch? { didSet { buffered.set(batch?.byteCount ?? 0) } }
    package nonisolated let buffered = BufferedBytes()
    private var delivery: Task<Void, Never>?
    private var deliveryNumber = 0
    private var opening: Task<Void, Never>?
    private var sinkOpening: Task<Void, Never>?
    private var alarm: Task<Void, Never>?
    /// Waits for the end of what is in flight, once it was asked to stop.
    private var stopping: Task<Void, Never>?
    private var exit: RelayExit?
    private var ended: CheckedContinuation<Void, Never>?
    /// Faults that were reported, so that each is said once.
    private var faultsTold: Set<RowFault> = []

    package init(
        settings: RelaySettings, claimTimeout: Int64, outbox: any CompetingOutbox, sink: any Sink,
        clock: any RelayClock = BootClock(), report: @escaping @Sendable (RelayReport) -> Void
    ) {
        self.outbox = outbox
        self.sink = sink
        self.clock = clock
        self.report = report
        shutdownTimeout = settings.shutdownTimeout
        machine = CompetingMachine(
            sink: sink.name, policy: settings.policy, lane: settings.lanes[sink.name] ?? LanePolicy(),
            claimTimeout: claimTimeout, seed: settings.seed)
    }

    /// Claims and delivers until there is a reason to end.
    package func run() async -> RelayExit {
        connect()
        // Asked within: others may run before the closure does.
        await withCheckedContinuation { if exit == nil { ended = $0 } else { $0.resume() } }
        opening?.cancel()
        alarm?.cancel()
        stopping?.cancel()
        sinkOpening?.cancel()
        await sinkOpening?.value
        delivery?.cancel()
        await delivery?.value
        await tenure?.close()
        await sink.close()
        return exit ?? .stopped
    }

    /// Finishes the claim that is under way, and ends.
    package func stop() {
        guard stopping == nil else { return }
        report(.stopping)
        opening?.cancel()
        take(.stop)
        let clock = clock
        let limit = clock.now + shutdownTimeout
        stopping = clock.task {
            await clock.sleep(until: limit)
            if !Task.isCancelled { self.end(.stopped) }
        }
    }

    private func end(_ exit: RelayExit) {
        guard self.exit == nil else { return }
        self.exit = exit
        if exit == .drained { report(.drained) }
        ended?.resume()
        ended = nil
    }

    // MARK: - The session

    private func connect() {
        let (outbox, report) = (outbox, report)
        opening = clock.task {
            do {
                await self.opened(try await outbox.open { report(.waiting($0)) })
            } catch let stop as RelayStop {
                self.end(.stop(stop))
            } catch is CancellationError {
            } catch {
                self.end(.stop(RelayStop(.unexpected, String(describing: error))))
            }
        }
    }

    private func opened(_ tenure: any CompetingTenure) async {
        guard exit == nil else { return await tenure.close() }
        self.tenure = tenure
        term += 1
        report(.competing)
        take(.sessionOpened)
    }

    private func lost(_ error: any Error) async {
        guard let tenure else { return }
        self.tenure = nil
        term += 1
        report(.failed(what: "the database session", reason: String(describing: error)))
        take(.sessionLost)
        await tenure.close()
        if exit == nil { connect() }
    }

    // MARK: - Inputs and effects

    private func take(_ input: CompetingMachine.Input) {
        guard exit == nil else { return }
        for effect in machine.handle(input, at: clock.now) { perform(effect) }
        setAlarm()
    }

    private func take(_ input: CompetingMachine.Input, of term: Int) {
        if term == self.term { take(input) }
    }

    private func setAlarm() {
        alarm?.cancel()
        guard let time = machine.nextWake, time < .max else { return }
        let clock = clock
        alarm = clock.task {
            await clock.sleep(until: time)
            if !Task.isCancelled { self.take(.tick) }
        }
    }

    private func perform(_ effect: CompetingMachine.Effect) {
        switch effect {
        case .openSink: openSink()
        case .claim(let rows, let bytes, let without): claim(rows, bytes, without)
        case .deliver(let slices): deliver(slices)
        case .cancelDelivery: delivery?.cancel()
        case .mark(let ids, let parked): mark(ids, parked)
        case .remark(let rows): remark(rows)
        case .checkEmpty: onSession { .emptyChecked(isEmpty: try await $0.isEmpty()) }
        case .release: batch = nil
        case .note(let note): report(.note(note))
        case .finished(let end): finish(end)
        }
    }

    private func finish(_ end: RelayEnd) {
        switch end {
        case .drained: self.end(.drained)
        case .stopped: self.end(.stopped)
        case .sinkClosed(let name): self.end(.sinkClosed(name))
        }
    }

    private func openSink() {
        let sink = sink
        sinkOpening = clock.task {
            do throws(SinkError) {
                // Rows come in any order: a sink has nothing to compare the sequence with.
                try await sink.open(OutboxPosition(lastValue: .max))
                self.take(.sinkOpened)
            } catch {
                self.take(.sinkOpenFailed(error))
            }
        }
    }

    private func claim(_ rows: Int, _ bytes: Int, _ without: [Int64]) {
        guard let tenure else { return }
        let term = term
        clock.task {
            do {
                let found = try await tenure.claim(rows: rows, bytes: bytes, without: without)
                self.claimed(found.rows, found.unreadable, term)
            } catch {
                await self.failed(error, tenure, term)
            }
        }
    }

    private func claimed(_ rows: FetchedRows, _ unreadable: [RowFault], _ term: Int) {
        guard term == self.term else { return }
        tell(unreadable)
        batch = rows.batch
        let token = rows.ids.isEmpty ? nil : BatchToken(0)
        let batch = RowBatch(
            token: token, ids: rows.ids, marks: rows.batch?.marks, bytes: rows.batch?.byteCount ?? 0)
        take(.claimed(batch, unreadable: unreadable.map(\.id)))
    }

    private func mark(_ ids: [Int64], _ parked: [Parking]) {
        let name = sink.name
        onSession { tenure in
            let faults = try await tenure.mark(ids, parked: parked, sink: name)
            await self.tell(faults)
            return .marked(
                unmarked: faults.filter { $0.work == .mark }.map(\.id),
                unparked: faults.filter { $0.work == .park }.map(\.id))
        }
    }

    private func remark(_ rows: [UnmarkedRow]) {
        onSession { tenure in
            let found = try await tenure.remark(rows)
            await self.tell(found.faults)
            return .remarked(unmarked: found.faults.map(\.id), locked: found.locked)
        }
    }

    private func tell(_ faults: [RowFault]) {
        // They are tried again for as long as they last; what is remembered of them is bounded nevertheless.
        if faultsTold.count > 10_000 { faultsTold = [] }
        for fault in faults where !fault.isUntried && faultsTold.insert(fault).inserted { report(.rowFault(fault)) }
    }

    private func onSession(_ work: @escaping @Sendable (any CompetingTenure) async throws -> CompetingMachine.Input) {
        guard let tenure else { return }
        let term = term
        clock.task {
            do {
                let input = try await work(tenure)
                self.take(input, of: term)
            } catch {
                await self.failed(error, tenure, term)
            }
        }
    }

    private func failed(_ error: any Error, _ tenure: any CompetingTenure, _ term: Int) async {
        guard term == self.term else { return }
        if tenure.isLoss(error) { return await lost(error) }
        let again = tenure.lostRace(error)
        if !again { report(.failed(what: "working on the table", reason: String(describing: error))) }
        take(.workFailed(again: again))
    }

    // MARK: - Deliveries

    private func deliver(_ slices: [RowSlice]) {
        guard let batch else { return }
        deliveryNumber += 1
        let (number, before, sink) = (deliveryNumber, delivery, sink)
        let delivery = Delivery(slices: slices.map { Delivery.Slice(batch: batch, range: $0.range) })
        let (answers, clock) = (AwaitedAnswers(to: delivery), clock)
        // Where it is cancelled, what the sink answers then, having delivered it, is heard nevertheless.
        self.delivery = clock.task {
            // One that was cancelled may still be ending: a sink has one at a time.
            await before?.value
            await sink.deliver(delivery) { count, outcome in
                guard answers.add(count, outcome) else { return }
                clock.task { await self.answered(answers, number) }
            }
            self.deliveryEnded(answers, number)
        }
    }

    private func answered(_ answers: AwaitedAnswers, _ number: Int) {
        guard number == deliveryNumber else { return }
        for answer in answers.take() { take(.answered(count: answer.count, answer.outcome)) }
    }

    private func deliveryEnded(_ answers: AwaitedAnswers, _ number: Int) {
        answered(answers, number)
        if number == deliveryNumber { take(.deliveryEnded) }
    }
}
