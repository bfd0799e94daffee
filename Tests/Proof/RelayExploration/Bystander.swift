import RelayCore

/// A relay process that does not lead: a standby, or one that led and does not know yet that it leads no longer.
struct Bystander: Hashable, Sendable {
    /// Nil where it never led, or crashed since.
    var machine: RelayMachine?
    /// What it had handed to each sink when it was overtaken, and what may still arrive there.
    var flights: [[World.Delivering]] = []
    var isFrozen = false
    /// What waits for it to wake up.
    var unread: [RelayInput] = []

    var isAtRest: Bool { !isFrozen && flights.allSatisfy(\.isEmpty) }
}

/// Two relays: one leads, the other stands by and takes over.
extension Stepper {
    func bystanderSteps(_ steps: inout [Step]) {
        guard let bystander = state.bystander else { return }
        // The lock is free once the server has ended the leader's sessions; whoever takes over sees to that.
        if !bystander.isFrozen, state.isFrozen || state.machine == nil || !state.world.sessionsAreOpen {
            steps.append(Step(.takeOver))
        }
        if bystander.isFrozen { steps.append(Step(.wakeFormer)) }
        for (index, flights) in bystander.flights.enumerated() {
            for flight in flights {
                steps.append(Step(.arriveFromFormer, index, Int64(flight.flight)))
                steps.append(Step(.loseFromFormer, index, Int64(flight.flight)))
            }
        }
    }

    mutating func stepOfTwo(_ kind: Step.Kind, _ index: Int, _ flight: Int) {
        switch kind {
        case .freeze:
            state.world.freezes -= 1
            state.isFrozen = true
        case .wake:
            state.isFrozen = false
            let unread = state.unread
            state.unread = []
            for input in unread { feed(input) }
        case .takeOver: takeOver()
        case .wakeFormer: wakeFormer()
        case .arriveFromFormer, .loseFromFormer: endFlightOfFormer(index, flight, arrives: kind == .arriveFromFormer)
        default: break
        }
    }

    /// The other one leads from now on. What the former had not committed is gone; what it had sent may still arrive.
    private mutating func takeOver() {
        guard let successor = state.bystander else { return }
        var former = Bystander(
            machine: state.machine, flights: state.world.sides.map(\.deliveries), isFrozen: state.isFrozen,
            unread: state.unread)
        if !former.isFrozen, state.world.sessionsAreOpen { former.unread.append(.sessionsLost) }
        endSessions()
        for index in state.world.sides.indices {
            state.world.sides[index].deliveries = successor.flights.isEmpty ? [] : successor.flights[index]
            for place in state.world.sides[index].deliveries.indices {
                state.world.sides[index].deliveries[place].isOfEarlierReign = true
            }
            allowRepeats(index)
        }
        state.world.hasLed = false
        state.machine = successor.machine
        state.isFrozen = false
        state.unread = []
        state.bystander = former
        if state.machine == nil { startRelay() }
        openSessions()
    }

    /// It asks before it sends anything more, hears that another one leads, and takes what had waited.
    private mutating func wakeFormer() {
        let unread = state.bystander?.unread ?? []
        state.bystander?.isFrozen = false
        state.bystander?.unread = []
        feedFormer(.sessionsLost)
        for input in unread { feedFormer(input) }
    }

    private mutating func endFlightOfFormer(_ index: Int, _ flight: Int, arrives: Bool) {
        guard let ending = state.bystander?.flights[index].first(where: { $0.flight == flight }) else { return }
        let sink = state.world.sides[index].name
        state.bystander?.flights[index].removeAll { $0.flight == flight }
        let taken = arrives ? ending.ids.dropFirst(ending.answered).prefix { !state.world.rejected.contains($0) } : []
        for id in taken {
            if ending.isAstray { give(id, of: ending, to: index) } else { giveBesideAnother(id, to: index) }
        }
        if !taken.isEmpty {
            feedFormer(.answered(sink: sink, flight: flight, count: taken.count, .delivered))
        }
        feedFormer(.deliveryEnded(sink: sink, flight: flight))
    }

    /// Two relays send what is not settled: one of them comes second.
    mutating func giveBesideAnother(_ id: Int64, to index: Int) {
        state.world.sides[index].mayRepeat.insert(id)
        give(id, to: index)
        state.world.sides[index].mayRepeat.insert(id)
    }

    private mutating func feedFormer(_ input: RelayInput) {
        guard var bystander = state.bystander, var machine = bystander.machine else { return }
        if bystander.isFrozen {
            bystander.unread.append(input)
        } else {
            for effect in machine.handle(input, at: 0) {
                switch effect {
                case .release, .note, .cancelDelivery: break
                default: find("WITHOUT THE LEAD a relay asks for \(effect)")
                }
            }
            bystander.machine = machine.normalized(at: 0)
        }
        state.bystander = bystander
    }
}
