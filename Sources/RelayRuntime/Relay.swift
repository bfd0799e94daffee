import RelayCore

/// Runs a relay: leads, does what ``RelayMachine`` decides, and brings it what came of it.
///
/// The actor is the one place where inputs meet the machine. Everything that waits (statements, sinks, the clock) runs in
/// tasks of its own, each of which ends by handing in what happened. The machine outlives a lead: what it delivered in
/// order it remembers over a lost connection.
package actor Relay {
    let settings: RelaySettings
    let database: any OutboxDatabase
    let sinks: [any Sink]
    let clock: any RelayClock
    let report: @Sendable (RelayReport) -> Void

    var machine: RelayMachine
    /// What this process knows of the database, to tell when that went back; a relay after this one begins with it.
    package internal(set) var known: KnownProgress
    /// What the relay before this one had delivered and not settled, until this one leads.
    private var inherited: [DeliveredRow]
    var lastEpoch: Int64 = 0

    /// The lead, while this relay has it.
    var leading: LeadUnderWay?
    /// Goes up when a lead begins and when it ends: an answer to an earlier one is dropped.
    var term = 0
    /// The machine came to its end while no lead lasted.
    var endBetweenLeads: RelayEnd?
    var nextTask = 0
    var workNumber = 0
    /// Waits for the lead.
    var waitingTask: Task<Void, Never>?

    var batches: [BatchToken: EventBatch] = [:]
    /// Of all of them.
    package nonisolated let buffered = BufferedBytes()
    var freeTokens: [BatchToken] = []

    var deliveries: [DeliveryPlace: DeliveryUnderWay] = [:]
    /// Deliveries that were cancelled and may still be ending.
    var withdrawn: [String: [Int: Task<Void, Never>]] = [:]
    var deliveryNumber = 0
    var openSinks: Set<String> = []
    /// The last opening or closing of each sink; one follows the other.
    var sinkSteps: [String: Task<SinkError?, Never>] = [:]
    /// The last opening of each sink, which need not be over.
    var openings: [String: Task<SinkError?, Never>] = [:]

    var isStopping = false
    var suspendedBy: String?
    var repeated = RepeatedReports()
    var gone = GoneRows()
    var retention = Retention()
    /// What was said already and would only be repeated.
    var faultsTold: Set<RowFault> = []
    var unconfiguredTold: Set<String> = []

    /// - Parameters:
    ///   - known: what an earlier relay of this process knew.
    ///   - rules: all of them, but in simulations that break one to see that they would notice.
    package init(
        settings: RelaySettings, database: any OutboxDatabase, sinks: [any Sink],
        known: KnownProgress = KnownProgress(), inherited: [DeliveredRow] = [],
        clock: any RelayClock = BootClock(), rules: RelayRules = .sound,
        report: @escaping @Sendable (RelayReport) -> Void
    ) {
        self.settings = settings
        self.database = database
        self.sinks = sinks
        self.known = known
        self.inherited = inherited
        self.clock = clock
        self.report = report
        machine = RelayMachine(
            policy: settings.policy, configured: sinks.map(\.name), lanePolicies: settings.lanes, seed: settings.seed,
            rules: rules)
    }

    /// What was delivered, by this relay or the one before it, and not settled: by these rows it shows whether the database
    /// has gone back meanwhile.
    package var unsettled: [DeliveredRow] { machine.unsettled + inherited }

    /// What the relay holds of events in memory.
    package var bufferedBytes: Int { Int(buffered.bytes) }

    /// The state of what decides, in a few words, for whoever reads a trace.
    package var summary: String { machine.summary }

    /// Leads, and leads again, until there is a reason to end.
    package func run() async -> RelayExit {
        var failures = 0
        while !isStopping {
            if let endBetweenLeads { return await finish(exit(endBetweenLeads)) }
            do {
                let taken = try await lead()
                if let endBetweenLeads {
                    await taken?.close()
                    return await finish(exit(endBetweenLeads))
                }
                guard let taken else { break }
                failures = 0
                if let exit = await lead(with: taken) { return exit }
            } catch let stop as RelayStop {
                if stop.wentBack { report(.wentBack(stop.message)) }
                return await finish(.stop(stop))
            } catch {
                if let endBetweenLeads { return await finish(exit(endBetweenLeads)) }
                failures += 1
                report(.failed(what: "taking the lead", reason: Self.describe(error)))
                await clock.sleep(until: clock.now + min(5000, Int64(100 << min(failures, 5))))
            }
        }
        return await finish(.stopped)
    }

    /// Stops claiming, finishes what is in flight, settles it and ends.
    package func stop() {
        guard !isStopping else { return }
        isStopping = true
        report(.stopping)
        waitingTask?.cancel()
        guard leading != nil else { return }
        take(.stop, term: term)
        let term = term
        spawn { relay in
            await relay.clock.sleep(until: relay.clock.now + relay.settings.shutdownTimeout)
            relay.giveUpDeliveries(term: term)
        }
    }

    // MARK: - One lead

    /// Waits for the lead; nil if asked to stop meanwhile.
    private func lead() async throws -> (any LeaderSessions)? {
        let (database, known, lastEpoch, report, clock) = (database, known, lastEpoch, report, clock)
        let unsettled = unsettled
        let work = Task<LeadOutcome, any Error>(executorPreference: clock.tasks) {
            try await database.lead(known: known, lastEpoch: lastEpoch, unsettled: unsettled) { [weak self] waiting in
                report(.waiting(waiting))
                if case .standby = waiting, let self { clock.task { await self.closeSinksOnStandby() } }
            }
        }
        waitingTask = clock.task {
            await withTaskCancellationHandler {
                _ = try? await work.value
            } onCancel: {
                work.cancel()
            }
        }
        defer { waitingTask = nil }
        do {
            guard case .leads(let sessions) = try await work.value else {
                if !isStopping { endBetweenLeads = .drained }
                return nil
            }
            if isStopping {
                await sessions.close()
                return nil
            }
            return sessions
        } catch {
            if isStopping { return nil }
            throw error
        }
    }

    /// Leads until the lead ends; the exit, or nil to try again.
    private func lead(with taken: any LeaderSessions) async -> RelayExit? {
        term += 1
        leading = LeadUnderWay(taken, at: clock.now)
        lastEpoch = taken.epoch
        inherited = []
        report(.leading(epoch: taken.epoch))
        known.settled(taken.opened.sinks)
        announce(taken.opened)
        decide([.sessionsOpened(taken.opened)])
        if isLeading {
            startBeating()
            startPurging()
            // Asked again: others may run before the closure does.
            await withCheckedContinuation { continuation in
                if isLeading { leading?.isOver = continuation } else { continuation.resume() }
            }
        }
        return await close(taken)
    }

    private func close(_ taken: any LeaderSessions) async -> RelayExit? {
        let ended = leading
        leading = nil
        term += 1
        // At once: sinks go on answering while the sessions close, and nothing may be sent on for it.
        decide([.sessionsLost])
        for input in ended?.postponed ?? [] { decide([input]) }
        ended?.cancelTasks()
        for sink in ended?.uncounted.sorted() ?? [] { report(.unconfiguredSink(sink, held: nil)) }
        await taken.close()
        switch ended?.end ?? .lost("") {
        case .lost(let reason):
            report(.deposed(reason: reason))
            return isStopping ? await finish(.stopped) : nil
        case .finished(let end):
            if end == .drained { report(.drained) }
            return await finish(exit(end))
        case .stop(let stop):
            if stop.wentBack { report(.wentBack(stop.message)) }
            return await finish(.stop(stop))
        }
    }

    private func exit(_ end: RelayEnd) -> RelayExit {
        switch end {
        case .drained: .drained
        case .stopped: .stopped
        case .sinkClosed(let sink): .sinkClosed(sink)
        }
    }

    private func finish(_ exit: RelayExit) async -> RelayExit {
        for delivery in deliveries.values { delivery.task.cancel() }
        for delivery in deliveries.values { await delivery.task.value }
        await closeSinks()
        return exit
    }

    func endLead(_ why: LeadEnd) {
        guard isLeading else { return }
        leading?.end = why
        leading?.isOver?.resume()
        leading?.isOver = nil
    }

    /// Whether this relay leads, and nothing has said yet that it is to end.
    var isLeading: Bool { leading.map { $0.end == nil } ?? false }

    /// Whether the lead of this term goes on.
    func isLeading(_ term: Int) -> Bool { term == self.term && isLeading }

    // MARK: - Inputs

    /// Takes an input of the lead `term`; one of an earlier lead is too late to count.
    func take(_ input: RelayInput, term: Int) { take([input], term: term) }

    /// The same of inputs that came together.
    func take(_ inputs: [RelayInput], term: Int) {
        guard isLeading(term), let lastBeat = leading?.lastBeat else { return }
        if clock.now - lastBeat > settings.leaderTimeout {
            // Silent for so long that somebody else may lead: ask before anything more is sent.
            leading?.postponed += inputs
            return
        }
        decide(inputs)
    }

    /// The beat came back: this relay still leads.
    func takePostponed() {
        let waiting = leading?.postponed ?? []
        leading?.postponed = []
        for input in waiting { decide([input]) }
    }

    func decide(_ inputs: [RelayInput]) {
        let now = clock.now
        let decision = machine.decide(inputs, at: now)
        for effect in decision.effects { perform(effect) }
        guard let leading else { return }
        var wake = decision.nextWake
        if now >= leading.nextStatus {
            leading.nextStatus = now + LeadUnderWay.statusPause
            noteStatus()
        } else if wake ?? .max > leading.nextStatus + LeadUnderWay.statusPause {
            // An earlier one is soon enough for the status as well: an idle relay that polls need not wake up for both.
            wake = leading.nextStatus
        }
        if let wake { setAlarm(at: wake, leading) }
    }

    /// A later alarm stays beside an earlier one, and need not be set again: to set and to cancel is what costs.
    private func setAlarm(at time: Int64, _ leading: LeadUnderWay) {
        if let next = leading.alarms.keys.min(), next <= time { return }
        let (clock, term) = (clock, term)
        let alarm = clock.task {
            await clock.sleep(until: time)
            if !Task.isCancelled { self.wake(time, term) }
        }
        leading.alarms[time] = alarm
    }

    private func wake(_ time: Int64, _ term: Int) {
        guard term == self.term else { return }
        leading?.alarms[time] = nil
        take(.tick, term: term)
    }

    /// Runs `body` beside the actor; it is cancelled when the lead ends.
    @discardableResult
    func spawn(_ body: @escaping @Sendable (isolated Relay) async -> Void) -> Task<Void, Never> {
        nextTask += 1
        let number = nextTask
        let task = clock.task {
            await body(self)
            self.taskEnded(number)
        }
        leading?.tasks[number] = task
        return task
    }

    private func taskEnded(_ number: Int) { leading?.tasks[number] = nil }

    static func describe(_ error: any Error) -> String { String(describing: error) }

    // MARK: - Words

    private func announce(_ opened: OpenedSessions) {
        let names = Set(sinks.map(\.name))
        for sink in opened.sinks where names.contains(sink.name) {
            report(.resuming(sink: sink.name, after: sink.cursor))
        }
        let unconfigured = opened.sinks.filter { !names.contains($0.name) && !$0.isRemoving }.map(\.name)
        unconfiguredTold.formUnion(unconfigured)
        tellUnconfigured(unconfigured)
    }
}
