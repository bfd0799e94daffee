import RelayCore

/// Takes a state from step to step, and judges each.
struct Stepper {
    let scenario: Scenario
    var state: State
    /// What was broken by the last step.
    var finding: String?

    init(_ scenario: Scenario, _ state: State) {
        self.scenario = scenario
        self.state = state
    }

    /// Where an exploration begins.
    static func firstState(_ scenario: Scenario) -> State {
        var stepper = Stepper(scenario, State(scenario))
        if scenario.beginsWithSlot {
            for kind in [Step.Kind.startRelay, .openSessions, .reachConsistency, .standStream] {
                stepper.take(Step(kind))
            }
        }
        return stepper.state
    }

    mutating func find(_ what: @autoclosure () -> String) {
        if finding == nil { finding = what() }
    }

    /// Every step that is possible now.
    func possibleSteps() -> [Step] {
        var steps: [Step] = []
        producerSteps(&steps)
        serverSteps(&steps)
        bystanderSteps(&steps)
        guard let machine = state.machine else {
            steps.append(Step(.startRelay))
            return steps
        }
        if state.isFrozen {
            // What it has sent takes its course; the answers wait.
            steps.append(Step(.wake))
            if case .sent = state.world.work { steps.append(Step(.executeWork)) }
        } else {
            relaySteps(machine, &steps)
        }
        sinkSteps(&steps)
        return steps
    }

    /// Takes one of the possible steps.
    mutating func take(_ step: Step) {
        let subject = Int(step.subject)
        let value = Int64(step.value)
        switch step.kind {
        case .lock, .draw, .withdraw, .rollBackToSavepoint, .commit, .becomeVisible, .unlock, .rollBack, .prepare,
            .keepID, .insertLate, .giveID:
            state.world.produce(step.kind, subject, value, scenario)
        case .lockRow:
            state.world.operatorLocks -= 1
            state.world.locked.insert(value)
        case .unlockRow: state.world.locked.remove(value)
        case .cleanUp:
            state.world.cleanUps -= 1
            state.world.unpublished.remove(value)
            state.world.write()
        case .undoMark: undoMark(value)
        case .crashServer: crashServer(lastValue: value)
        case .loseSessions:
            state.world.connectionLosses -= 1
            loseSessions()
        case .loseAnswer:
            state.world.connectionLosses -= 1
            if case .sent(let effect) = state.world.work { _ = execute(effect) }
            loseSessions()
        case .readLastValue, .listHolders: stepOfLeader(step.kind)
        case .executeWork, .answerWork, .failWork: stepOfWork(step.kind)
        case .executeRead, .answerRead, .failRead: stepOfReading(step.kind, subject)
        case .executeTailRead, .answerTailRead, .failTailRead: stepOfTailRead(step.kind)
        case .reachConsistency, .standStream, .ring, .loseStream: stepOfStream(step.kind)
        case .deliver, .deliverOne, .failDelivery, .loseReceipt: stepOfSink(step.kind, subject, Int(value))
        case .repairSinks: state.world.rejected = IDSet()
        case .requestRetry: requestRetry()
        case .freeze, .wake, .takeOver, .wakeFormer, .arriveFromFormer, .loseFromFormer:
            stepOfTwo(step.kind, subject, Int(value))
        case .administer: administer()
        case .tick, .crashRelay, .startRelay, .openSessions, .stop: stepOfRelay(step.kind, value)
        }
        judgeStandingState()
    }

    private mutating func stepOfRelay(_ kind: Step.Kind, _ value: Int64) {
        switch kind {
        case .tick:
            guard let wake = state.machine?.nextWake(after: 0) else { return }
            feed(.tick, at: wake)
        case .crashRelay:
            state.world.relayCrashes -= 1
            crashRelay(sinksHaveWhatWasInFlight: value > 0)
        case .startRelay: startRelay()
        case .openSessions: openSessions()
        case .stop:
            state.world.stops -= 1
            feed(.stop)
        default: break
        }
    }

    mutating func startRelay() {
        var policy = scenario.policy
        if state.startsInOtherMode { policy.usesStream.toggle() }
        if scenario.switchesMode { state.startsInOtherMode.toggle() }
        state.machine = RelayMachine(
            policy: policy, configured: state.world.sides.map(\.name), lanePolicies: scenario.lanes,
            rules: scenario.rules)
    }

    // MARK: - The core

    /// Gives the core an input and starts what it asks for.
    mutating func feed(_ input: RelayInput, at now: Int64 = 0) {
        guard !state.isFrozen else { return state.unread.append(input) }
        guard var machine = state.machine else { return }
        let effects = machine.handle(input, at: now)
        state.machine = machine.normalized(at: now)
        for effect in effects { start(effect) }
    }

    private mutating func start(_ effect: RelayEffect) {
        switch effect {
        case .scan:
            if state.world.scan != .none { find("TWO SCANS at once") }
            state.world.scan = .sent
        case .readTail:
            if state.world.tailRead != nil { find("TWO READS OF THE TAIL at once") }
            state.world.tailRead = .sent(effect)
        case .claim, .recheckGaps, .settle, .sweep, .fixStarts:
            if let work = state.world.work { find("TWO STATEMENTS on the work session: \(work), \(effect)") }
            state.world.work = .sent(effect)
        case .endClaim: state.world.claimed = IDSet()
        case .read(let request): startRead(.rows, request.sink, effect)
        case .readOwed(let sink, _): startRead(.owed, sink, effect)
        case .readParked(let sink, _): startRead(.parked, sink, effect)
        case .openStream:
            var running: UInt8 = 0
            for (index, producer) in state.world.producers.enumerated() where producer.hasWritten {
                running |= 1 << UInt8(index)
            }
            state.world.slot = .creating(running: running)
        case .openSink(let sink): feed(.sinkOpened(sink: sink))
        case .deliver(let sink, let flight, let slices): startDelivery(sink, flight, slices.flatMap(\.ids))
        case .cancelDelivery(let sink): cancelDeliveries(sink)
        case .release, .note: break
        case .finished(let end): finish(end)
        }
    }

    private mutating func startRead(_ kind: LaneRead, _ sink: String, _ effect: RelayEffect) {
        state.world.reads.append(World.Read(sink: sink, kind: kind, request: .sent(effect)))
        state.world.reads.sort { $0.sink < $1.sink }
        if state.world.reads.count > 2 { find("THREE READS at once") }
    }

    private mutating func finish(_ end: RelayEnd) {
        let lacking = state.world.seenBySweep.subtracting(state.world.published)
        if end == .drained, !lacking.isEmpty { find("DRAINED EARLY: \(lacking.ids) are not published") }
        for side in state.world.sides where !side.deliveries.isEmpty { find("ENDED while \(side.name) delivers") }
        state.machine = nil
        endSessions()
        state.world.hasLed = false
    }

    // MARK: - Sessions

    func relaySteps(_ machine: RelayMachine, _ steps: inout [Step]) {
        let world = state.world
        if world.relayCrashes > 0 {
            steps.append(Step(.crashRelay))
            if world.sides.contains(where: { !$0.deliveries.isEmpty }) { steps.append(Step(.crashRelay, 0, 1)) }
        }
        if world.freezes > 0, world.sessionsAreOpen { steps.append(Step(.freeze)) }
        if world.stops > 0 { steps.append(Step(.stop)) }
        if !world.rejected.isEmpty { steps.append(Step(.repairSinks)) }
        if world.retryRequests > 0, world.parked.contains(where: { !$0.isRequested }) {
            steps.append(Step(.requestRetry))
        }
        if let wake = machine.nextWake(after: 0), wake < 1 << 30 { steps.append(Step(.tick)) }
        guard world.sessionsAreOpen else {
            steps.append(Step(.openSessions))
            return
        }
        if world.connectionLosses > 0 {
            steps.append(Step(.loseSessions))
            if case .sent(let effect) = world.work, effect.writes { steps.append(Step(.loseAnswer)) }
        }
        if world.requestsDone < scenario.requests.count { steps.append(Step(.administer)) }
        leaderSteps(&steps)
        workSteps(&steps)
        readingSteps(&steps)
        streamSteps(&steps)
    }

    mutating func openSessions() {
        let world = state.world
        let highest = world.sinks.cursorSpan.high
        state.world.sessionsAreOpen = true
        state.world.hasLed = true
        feed(
            .sessionsOpened(
                OpenedSessions(
                    sinks: world.sinks, owed: [String: OwedPortion](whole: world.owed),
                    keepsLanes: world.hasLed, publishedAboveCursors: !world.published.above(highest).isEmpty,
                    parkedKeys: parkedKeys)))
    }

    mutating func loseSessions() {
        endSessions()
        feed(.sessionsLost)
    }

    /// Ends the relay's sessions: what had not been committed is rolled back.
    mutating func endSessions() {
        state.world.sessionsAreOpen = false
        state.world.scan = .none
        state.world.tailRead = nil
        state.world.work = nil
        state.world.claimed = IDSet()
        state.world.reads = []
        state.world.slot = .absent
        state.world.queue = []
    }

    private mutating func crashRelay(sinksHaveWhatWasInFlight: Bool) {
        state.machine = nil
        for index in state.world.sides.indices {
            for delivering in state.world.sides[index].deliveries where sinksHaveWhatWasInFlight {
                let left = delivering.ids.dropFirst(delivering.answered)
                for id in left.prefix(while: { !state.world.rejected.contains($0) }) {
                    give(id, of: delivering, to: index)
                }
            }
            state.world.sides[index].deliveries = []
            allowRepeats(index)
        }
        endSessions()
        state.world.hasLed = false
        state.world.hasCrashed = true
    }

    /// After a crash nobody knows of what was delivered and not settled.
    mutating func allowRepeats(_ index: Int) {
        let side = state.world.sides[index]
        guard let sink = state.world.sinks.first(where: { $0.name == side.name }) else { return }
        var unsettled = side.given.above(sink.cursor)
        for entry in state.world.owed where entry.sink == side.name && !entry.isDelivered {
            if side.given.contains(entry.id) { unsettled.insert(entry.id) }
        }
        for entry in state.world.parked where entry.sink == side.name && side.given.contains(entry.id) {
            unsettled.insert(entry.id)
        }
        state.world.sides[index].mayRepeat.formUnion(unsettled)
    }

    private mutating func crashServer(lastValue: Int64) {
        state.world.serverCrashes -= 1
        state.world.recover(lastValue: lastValue)
        endSessions()
        if state.machine != nil { feed(.sessionsLost) }
    }

    // MARK: - Judgement

    /// What must hold in every state.
    private mutating func judgeStandingState() {
        for sink in state.world.sinks where sink.cursor > 0 && !state.world.seen.contains(sink.cursor) {
            find("CURSOR of \(sink.name) at \(sink.cursor), which was never a visible row")
        }
    }
}

extension RelayEffect {
    /// Whether its transaction may write.
    fileprivate var writes: Bool {
        switch self {
        case .settle, .sweep, .fixStarts: true
        default: false
        }
    }
}
