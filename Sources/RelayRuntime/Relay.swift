import RelayCore

/// Runs a relay: leads, does what ``RelayMachine`` decides, and brings it what came of it.
///
/// The actor is the one place where inputs meet the machine. Everything that waits (statements, sinks, the clock) runs in
/// tasks of its own, each of which ends by handing in what happened. The machine outlives a tenure: what it delivered in
/// order it remembers over a lost connection.
package actor Relay {
    let settings: RelaySettings
    let database: any OutboxDatabase
    let sinks: [any Sink]
    let clock: any RelayClock
    let report: @Sendable (RelayReport) -> Void

    var machine: RelayMachine
    var known = KnownProgress()
    var lastEpoch: Int64 = 0

    var tenure: (any LeaderTenure)?
    /// Goes up when a tenure begins and when it ends: an answer to an earlier one is dropped.
    var term = 0
    /// Why the tenure is to end; nil while it goes on.
    var tenureEnd: TenureEnd?
    /// The machine came to its end while no tenure lasted.
    var endBetweenTenures: RelayEnd?
    var tasks: [Int: Task<Void, Never>] = [:]
    var nextTask = 0
    /// What the next piece of work waits for.
    var lastWork: Task<Void, Never>?
    var streamTask: Task<Void, Never>?
    /// Waits for the lead.
    var waitingTask: Task<Void, Never>?
    /// Resumed once `tenureEnd` is set.
    var tenureIsOver: CheckedContinuation<Void, Never>?

    var batches: [BatchToken: EventBatch] = [:]
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

    /// When the last beat that came back was sent.
    var lastBeat: Int64 = 0
    /// Inputs that wait because the leader has been silent for too long.
    var heldBack: [RelayInput] = []
    /// By the time at which they go off.
    var alarms: [Int64: Task<Void, Never>] = [:]

    var status: LeaderStatus?
    var isNoting = false
    var orderHold: (OrderHold, HolderDescription?)?
    var isStopping = false
    var suspendedBy: String?
    var pollingReason: String?
    var isStreamingTold = false
    /// What is watched for taking long; nil: the work session is idle.
    var workUnderWay: WorkUnderWay?
    var workNumber = 0
    var isWorkWatched = false
    var repeated = RepeatedReports()
    var gone = GoneRows()
    /// What was said already and would only be repeated.
    var faultsTold: Set<RowFault> = []
    var unconfiguredTold: Set<String> = []

    struct WorkUnderWay {
        var number: Int
        var since: Int64
    }

    /// Why a tenure ends.
    enum TenureEnd: Sendable {
        case lost(String)
        case finished(RelayEnd)
        case stop(RelayStop)
    }

    /// - Parameter rules: all of them, but in simulations that break one to see that they would notice.
    package init(
        settings: RelaySettings, database: any OutboxDatabase, sinks: [any Sink], clock: any RelayClock = BootClock(),
        rules: RelayRules = .sound, report: @escaping @Sendable (RelayReport) -> Void
    ) {
        self.settings = settings
        self.database = database
        self.sinks = sinks
        self.clock = clock
        self.report = report
        machine = RelayMachine(
            policy: settings.policy, configured: sinks.map(\.name), lanePolicies: settings.lanes, seed: settings.seed,
            rules: rules)
    }

    /// What the relay holds of events in memory.
    package var bufferedBytes: Int { batches.values.reduce(0) { $0 + $1.byteCount } }

    /// The state of what decides, in a few words, for whoever reads a trace.
    package var summary: String { machine.summary }

    /// Leads, and leads again, until there is a reason to end.
    package func run() async -> RelayExit {
        var failures = 0
        while !isStopping {
            if let endBetweenTenures { return await finish(exit(endBetweenTenures)) }
            do {
                let taken = try await lead()
                if let endBetweenTenures {
                    await taken?.close()
                    return await finish(exit(endBetweenTenures))
                }
                guard let taken else { break }
                failures = 0
                if let exit = await lead(with: taken) { return exit }
            } catch let stop as RelayStop {
                if stop.wentBack { report(.wentBack(stop.message)) }
                return await finish(.stop(stop))
            } catch {
                if let endBetweenTenures { return await finish(exit(endBetweenTenures)) }
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
        guard tenure != nil else { return }
        take(.stop, term: term)
        let term = term
        spawn { relay in
            await relay.clock.sleep(until: relay.clock.now + relay.settings.shutdownTimeout)
            await relay.giveUpDeliveries(term: term)
        }
    }

    // MARK: - One tenure

    /// Waits for the lead; nil if asked to stop meanwhile.
    private func lead() async throws -> (any LeaderTenure)? {
        let (database, known, lastEpoch, report, clock) = (database, known, lastEpoch, report, clock)
        let unsettled = machine.unsettled
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
            guard case .leads(let tenure) = try await work.value else {
                if !isStopping { endBetweenTenures = .drained }
                return nil
            }
            if isStopping {
                await tenure.close()
                return nil
            }
            return tenure
        } catch {
            if isStopping { return nil }
            throw error
        }
    }

    /// Leads until the tenure ends; the exit, or nil to try again.
    private func lead(with taken: any LeaderTenure) async -> RelayExit? {
        term += 1
        tenureEnd = nil
        tenure = taken
        lastEpoch = taken.epoch
        lastBeat = clock.now
        heldBack = []
        status = nil
        isNoting = false
        orderHold = nil
        workUnderWay = nil
        isWorkWatched = false
        pollingReason = nil
        isStreamingTold = false
        report(.leading(epoch: taken.epoch))
        known.settled(taken.opened.sinks)
        announce(taken.opened)
        take(.sessionsOpened(taken.opened), term: term)
        if tenureEnd == nil {
            startBeating()
            // Asked again: others may run before the closure does.
            await withCheckedContinuation { continuation in
                if tenureEnd == nil { tenureIsOver = continuation } else { continuation.resume() }
            }
        }
        return await close(taken)
    }

    private func close(_ taken: any LeaderTenure) async -> RelayExit? {
        let tenureEnd = tenureEnd ?? .lost("")
        tenure = nil
        term += 1
        // At once: sinks go on answering while the sessions close, and nothing may be sent on for it.
        decide(.sessionsLost)
        passHeldBack()
        for alarm in alarms.values { alarm.cancel() }
        alarms = [:]
        streamTask?.cancel()
        streamTask = nil
        for task in tasks.values { task.cancel() }
        tasks = [:]
        lastWork = nil
        await taken.close()
        switch tenureEnd {
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

    func endTenure(_ why: TenureEnd) {
        guard tenure != nil, tenureEnd == nil else { return }
        tenureEnd = why
        tenureIsOver?.resume()
        tenureIsOver = nil
    }

    // MARK: - Inputs

    /// Takes an input of the tenure `term`; one of an earlier tenure is too late to count.
    func take(_ input: RelayInput, term: Int) {
        guard term == self.term, tenureEnd == nil, tenure != nil else { return }
        if clock.now - lastBeat > settings.leaderTimeout, !Self.mayPassUnasked(input) {
            // Silent for so long that somebody else may lead: ask before anything more is sent.
            heldBack.append(input)
            return
        }
        decide(input)
    }

    private static func mayPassUnasked(_ input: RelayInput) -> Bool {
        if case .sessionsOpened = input { true } else { false }
    }

    /// The beat came back: this relay still leads; or the tenure is over.
    func passHeldBack() {
        let waiting = heldBack
        heldBack = []
        for input in waiting { decide(input) }
    }

    func decide(_ input: RelayInput) {
        let now = clock.now
        let effects = machine.handle(input, at: now)
        for effect in effects { perform(effect) }
        setAlarm(after: now)
        noteStatus()
    }

    /// A later alarm stays beside an earlier one, and need not be set again: to set and to cancel is what costs.
    private func setAlarm(after now: Int64) {
        guard tenure != nil, let time = machine.nextWake(after: now) else { return }
        if let next = alarms.keys.min(), next <= time { return }
        let (clock, term) = (clock, term)
        alarms[time] = clock.task {
            await clock.sleep(until: time)
            if !Task.isCancelled { await self.wake(time, term) }
        }
    }

    private func wake(_ time: Int64, _ term: Int) {
        guard term == self.term else { return }
        alarms[time] = nil
        take(.tick, term: term)
    }

    /// Runs `body` beside the actor; it is cancelled when the tenure ends.
    @discardableResult
    func spawn(_ body: @escaping @Sendable (Relay) async -> Void) -> Task<Void, Never> {
        nextTask += 1
        let number = nextTask
        let task = clock.task {
            await body(self)
            await self.taskEnded(number)
        }
        tasks[number] = task
        return task
    }

    private func taskEnded(_ number: Int) { tasks[number] = nil }

    static func describe(_ error: any Error) -> String { String(describing: error) }

    // MARK: - Words

    private func announce(_ opened: OpenedSessions) {
        let names = Set(sinks.map(\.name))
        for sink in opened.sinks where names.contains(sink.name) {
            report(.resuming(sink: sink.name, after: sink.cursor))
        }
        for sink in opened.sinks where !names.contains(sink.name) && !sink.isRemoving {
            unconfiguredTold.insert(sink.name)
            report(.unconfiguredSink(sink.name))
        }
    }
}
