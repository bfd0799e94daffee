/// The relay while it leads: everything that decides, and nothing that acts.
///
/// It takes what happened and the time, and gives back what to do next; the driver does it and brings the answers. The
/// way of an event through it: a claim or a read brings rows (`+Claiming`, `+Bell`, `+Reading`),
/// the tail hands them on in order (`+Tail`), lanes carry them to sinks (`+Lanes`), a settlement writes what is done
/// (`+Settling`).
package struct RelayMachine: Hashable, Sendable {
    enum Phase: Hashable, Sendable {
        /// Exits: `stopping`, `finished`.
        case running
        /// What is in flight is delivered and settled, and no more is taken on. Exit: `finished`.
        case stopping
        /// The end was told.
        case finished
    }

    let policy: RelayPolicy
    var lanes: [Lane] = []
    /// Sinks that are registered and have no lane: not configured, or their start is not fixed.
    var others: [SinkRegistration] = []
    let configured: Set<String>
    let lanePolicies: [String: LanePolicy]
    let rules: RelayRules

    var tail: Tail
    /// Nil between tenures.
    var tenure: Tenure?
    /// What keeps delivery from going on (a sequence whose settings break the proof).
    var suspension: String?
    var settlements = SettlementSchedule()
    /// Which keys are free now, the next sweep tells.
    var parkedKeysWanted = false
    var batchMemory = BatchMemory()
    /// Counts what would make an answer to «is it drained» out of date.
    var stamp = 0
    private var phase = Phase.running
    var random: SplitMix

    /// - Parameter lanePolicies: per sink; one without a policy has order by id, blocks, and retries as `policy` says.
    package init(
        policy: RelayPolicy, configured: [String], lanePolicies: [String: LanePolicy] = [:], seed: UInt64 = 0,
        rules: RelayRules = .sound
    ) {
        self.policy = policy
        self.lanePolicies = lanePolicies
        self.rules = rules
        tail = Tail(rules: rules)
        self.configured = Set(configured)
        random = SplitMix(state: seed)
    }

    /// Takes one input and says what is to be done.
    ///
    /// - Parameter now: milliseconds on a clock that never goes back.
    package mutating func handle(_ input: RelayInput, at now: Int64) -> [RelayEffect] { handle([input], at: now) }

    /// Takes inputs that came together, in their order, and then says what is to be done.
    package mutating func handle(_ inputs: [RelayInput], at now: Int64) -> [RelayEffect] {
        var effects: [RelayEffect] = []
        for input in inputs { take(input, at: now, &effects) }
        if phase != .finished { advance(at: now, &effects) }
        collect(&effects)
        return effects
    }

    /// The same, with the time at which to call again though nothing else happens: see ``nextWake(after:)``.
    package mutating func decide(
        _ inputs: [RelayInput], at now: Int64
    ) -> (effects: [RelayEffect], nextWake: Int64?) {
        (handle(inputs, at: now), nextWake(after: now))
    }

    private mutating func take(_ input: RelayInput, at now: Int64, _ effects: inout [RelayEffect]) {
        switch input {
        case .tick: break
        case .sessionsOpened(let opened): begin(opened, at: now, &effects)
        case .sessionsLost: loseSessions(&effects)
        case .sinksChanged: tenure?.turns.refreshWanted = true
        case .suspended(let reason): suspension = reason
        case .scanned(let answer): scanned(answer, at: now)
        case .scanFailed: scanFailed(at: now)
        case .claimed(let rows): claimed(rows, at: now, &effects)
        case .gapsRechecked(let rows): gapsRechecked(rows, at: now, &effects)
        case .workFailed: workFailed(at: now)
        case .settled(let state): settled(state, at: now, &effects)
        case .swept(let state): swept(state, at: now, &effects)
        case .startsFixed(let sinks):
            guard tenure?.turns.work == .fixing else { return }
            tenure?.turns.work = .idle
            adopt(sinks, owed: nil, at: now, &effects)
        case .rowsRead(let sink, let batch, let reachedEnd, let fault):
            rowsRead(sink, batch, reachedEnd, fault, at: now, &effects)
        case .owedRowsRead(let sink, let batch, let reachedEnd, let faults):
            owedRowsRead(sink, batch, reachedEnd, faults, at: now, &effects)
        case .readFailed(let sink, let read): readFailed(read, of: sink, at: now)
        case .streamStanding: streamStanding()
        case .rung(let announcements): rung(announcements)
        case .streamEnded: streamEnded(at: now)
        case .tailRead(let rows): tailRead(rows, at: now, &effects)
        case .tailReadFailed: tailReadFailed(at: now)
        case .sinkOpened(let sink): sinkOpened(sink, &effects)
        case .sinkOpenFailed(let sink, let error): sinkOpenFailed(sink, error, at: now, &effects)
        case .answered(let sink, let flight, let count, let outcome):
            answered(sink, flight, count, outcome, at: now, &effects)
        case .deliveryEnded(let sink, let flight): deliveryEnded(sink, flight, at: now, &effects)
        case .operatorRequested:
            if !lanes.any({ !$0.parkedToRetry.isEmpty || $0.inFlight?.turn == .parked }) {
                tenure?.turns.sweeps.isWanted = true
            }
        case .parkedRowsRead(let sink, let batch): parkedRowsRead(sink, batch, &effects)
        case .stop: if phase == .running { phase = .stopping }
        }
    }

    /// Starts whatever can be started.
    private mutating func advance(at now: Int64, _ effects: inout [RelayEffect]) {
        openSinks(at: now, &effects)
        dispatch(at: now, &effects)
        leaveTailIfOthersStarve(&effects)
        startReads(at: now, &effects)
        startTailRead(at: now, &effects)
        startWork(at: now, &effects)
        startScan(at: now, &effects)
        startStream(at: now, &effects)
        nameHolds(at: now, &effects)
        finishIfDone(at: now, &effects)
    }

    /// When to call again with `tick`, though nothing else happens; nil: never.
    package func nextWake(after now: Int64) -> Int64? {
        guard phase != .finished, isLeading else { return nil }
        var wake = NextWake(after: now)
        addWakes(ofWork: &wake)
        tenure?.addWakes(to: &wake, holdNotice: policy.holdNotice)
        for index in lanes.indices { lanes[index].addWakes(to: &wake) }
        return wake.time
    }

    private func addWakes(ofWork wake: inout NextWake) {
        guard let turns = tenure?.turns else { return }
        wake.add(turns.sweeps.next)
        if case .keepingClaim(let until) = turns.work { wake.add(until) }
        guard turns.work == .idle else { return }
        wake.add(tenure?.source.claims?.pace.next)
        wake.add(turns.sweeps.draining?.nextQuestion)
        if lanes.any({ $0.hasNews(at: .max) }) { wake.add(max(settlements.next, settlements.failures.next)) }
        wake.add(tenure?.source.stream?.bell.nextSweep(tail: tail.position))
        if others.contains(where: { !$0.isFixed }) { wake.add(turns.nextFix) }
    }

    // MARK: - Ends

    /// There is a tenure. (To compare it with nil would copy it.)
    var isLeading: Bool { if case .some = tenure { true } else { false } }

    /// No more is taken on.
    var isStopping: Bool { phase != .running }

    /// Nothing is under way and nothing is left over, as far as can be known without asking.
    var isQuiet: Bool {
        let lanesAreQuiet = lanes.allSatisfy { lane in
            lane.isSettled && (lane.isOnTail || !lane.isConfigured)
        }
        let startsAreFixed = !others.contains { !$0.isFixed && configured.contains($0.name) }
        let everySinkIsKnown = configured.allSatisfy { name in lanes.any { $0.name == name } }
        // A row that somebody has locked is delivered, and not settled.
        let noneIsLocked =
            switch tenure?.turns.settling {
            case .untried: lanes.allSatisfy { $0.owed.stuck.isEmpty && !$0.owed.isStuckMore }
            case .free: true
            case .waiting, nil: false
            }
        return lanesAreQuiet && startsAreFixed && everySinkIsKnown && noneIsLocked && tenure?.gap == nil
    }

    /// The work session does nothing, or there is none.
    private var nothingIsUnderWay: Bool { !isLeading || isWorkIdle }

    private mutating func finishIfDone(at now: Int64, _ effects: inout [RelayEffect]) {
        if lanes.any({ $0.health.isClosed }), let closed = lanes.first(where: \.health.isClosed),
            lanes.count(where: \.isConfigured) == 1, !closed.isSending, closed.done.isEmpty, nothingIsUnderWay
        {
            finish(.sinkClosed(closed.name), &effects)
        } else if isStopping, !lanes.any({ $0.isSending || $0.hasNews(at: now) }), nothingIsUnderWay {
            finish(.stopped, &effects)
        } else if tenure?.turns.sweeps.draining?.quietAt == stamp, isQuiet, isWorkIdle {
            finish(.drained, &effects)
        }
    }

    private mutating func finish(_ end: RelayEnd, _ effects: inout [RelayEffect]) {
        phase = .finished
        effects.append(.finished(end))
    }
}
