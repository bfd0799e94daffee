extension RelayMachine {
    /// Sends each lane's sink what waits for it, within the lane's window.
    mutating func dispatch(at now: Int64, _ effects: inout [RelayEffect]) {
        // Between tenures nobody carries out what is decided here.
        guard !isStopping, work != .absent else { return }
        for index in lanes.indices where lanes[index].isConfigured && mayTry(lanes[index], at: now) {
            if lanes[index].keyed == nil {
                dispatchInTurn(index, &effects)
            } else {
                dispatchByKey(index, at: now, &effects)
            }
        }
    }

    private mutating func dispatchInTurn(_ index: Int, _ effects: inout [RelayEffect]) {
        guard lanes[index].inFlight == nil, !lanes[index].queue.isEmpty else { return }
        let room = roomInTurn(lanes[index])
        // Settling takes its time; a few rows at a time would keep the sink from batching.
        guard room > 0, room >= min(policy.window / 4, lanes[index].queue.count) else { return }
        send(lanes[index].queue.take(room, bytes: laneShare, of: held), .ordered, index, &effects)
    }

    /// Sends rows to a lane's sink, without those whose key is parked: they are parked behind it.
    mutating func send(
        _ slices: [RowSlice], _ turn: Lane.InFlight.Turn, _ index: Int, _ effects: inout [RelayEffect]
    ) {
        var flight = Lane.InFlight(slices: slices, turn: turn)
        flight.behind = staysBehind(slices, index)
        lanes[index].begin(flight)
        // Those before the first that is sent are over: no answer speaks of them.
        lanes[index].finished(0, .parked)
        let sent = flight.sent
        if sent.isEmpty {
            lanes[index].endFlight()
            stamp += 1
        } else {
            effects.append(.deliver(sink: lanes[index].name, flight: 0, sent))
        }
    }

    private mutating func dispatchByKey(_ index: Int, at now: Int64, _ effects: inout [RelayEffect]) {
        guard var window = lanes[index].keyed else { return }
        let room = roomInTurn(lanes[index])
        if room > 0, !lanes[index].queue.isEmpty, !window.isWindingDown, window.heldBytes(held) < laneShare {
            let taken = lanes[index].queue.take(room, bytes: laneShare, of: held)
            window.take(taken)
        }
        for parking in window.setAside(setAside[lanes[index].name] ?? []) {
            lanes[index].park(parking, window.key(of: parking.id))
        }
        for parking in window.park(lanes[index].parkedKeys) {
            lanes[index].park(parking, window.key(of: parking.id))
        }
        while let (flight, slices) = window.next(at: now) {
            effects.append(.deliver(sink: lanes[index].name, flight: flight, slices))
        }
        lanes[index].keyed = window
        takeOver(index)
    }

    /// What is over, with everything before it, is done.
    private mutating func takeOver(_ index: Int) {
        guard let over = lanes[index].keyed?.takeOver(), !over.isEmpty else { return }
        lanes[index].done += over
        stamp += 1
    }

    /// Whether the lane may be given rows at all now.
    func mayTry(_ lane: Lane, at now: Int64) -> Bool {
        guard lane.opening == .open, lane.unparked == nil else { return false }
        return switch lane.health {
        case .well: true
        case .retrying(_, let until, _), .blocked(_, let until, _): now >= until
        case .closed: false
        }
    }

    // MARK: - Answers

    mutating func answered(
        _ sink: String, _ flight: Int, _ count: Int, _ outcome: DeliveryOutcome, at now: Int64,
        _ effects: inout [RelayEffect]
    ) {
        guard let index = lanes.firstIndex(where: { $0.name == sink }), isUnderWay(index, flight) else { return }
        stamp += 1
        switch outcome {
        case .delivered: delivered(index, flight, count, at: now, &effects)
        case .retry(let after, let reason):
            fail(index, flight, reason, retryAfter: after, at: now, &effects)
        case .rejected(let reason): rejected(index, flight, count, reason, at: now, &effects)
        case .blocked(let reason): block(index, reason, at: now, &effects)
        case .closed(let reason):
            if lanes.count(where: \.isConfigured) > 1 {
                fail(index, flight, reason, retryAfter: nil, at: now, &effects)
            } else {
                lanes[index].health = .closed(reason: reason)
                effects.append(.note(.outage(sink: sink, reason: reason, attempt: 1)))
            }
        }
    }

    private func isUnderWay(_ index: Int, _ flight: Int) -> Bool {
        flight == 0 ? lanes[index].inFlight != nil : lanes[index].keyed?.flights[flight] != nil
    }

    private func isStale(_ index: Int, _ flight: Int) -> Bool {
        flight == 0 ? lanes[index].inFlight?.isStale != false : lanes[index].keyed?.flights[flight]?.isStale != false
    }

    private mutating func delivered(
        _ index: Int, _ flight: Int, _ count: Int, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        let before = lanes[index].reportedHealth
        if flight == 0 {
            lanes[index].finished(count, .delivered)
            if count > 0 { lanes[index].outOfTurn = nil }
        } else {
            lanes[index].keyed?.finished(flight, count, .delivered, at: now)
        }
        if count > 0, !isStale(index, flight) { lanes[index].health = .well }
        if before != .well, lanes[index].reportedHealth == .well {
            effects.append(.note(.recovered(sink: lanes[index].name)))
        }
    }

    /// An outage: with order by key of the keys in the flight, else of the lane.
    private mutating func fail(
        _ index: Int, _ flight: Int, _ reason: String, retryAfter: Duration?, at now: Int64,
        _ effects: inout [RelayEffect]
    ) {
        guard !isStale(index, flight) else { return }
        let lane = lanes[index]
        var attempt = 1
        if flight > 0 {
            attempt += lane.keyed?.attempts(flight) ?? 0
        } else if lane.keyed != nil {
            attempt += lane.outOfTurn?.attempt ?? 0
        } else if case .retrying(let earlier, _, _) = lane.health {
            attempt += earlier
        }
        let until = now + lane.policy.retry.pause(attempt: attempt, after: retryAfter, &random)
        // Of a thousand keys that fail together one is told.
        let isNews = flight == 0 || lane.reportedHealth == .well || attempt > 1
        if lane.keyed == nil {
            lanes[index].health = .retrying(attempt: attempt, until: until, reason: reason)
        } else {
            lanes[index].waits(flight, .init(attempt: attempt, until: until, reason: reason, rejected: nil))
        }
        if isNews { effects.append(.note(.outage(sink: lane.name, reason: reason, attempt: attempt))) }
    }

    private mutating func rejected(
        _ index: Int, _ flight: Int, _ count: Int, _ reason: String, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        guard !isStale(index, flight) else { return }
        let turn = flight == 0 ? lanes[index].inFlight?.turn : .ordered
        if turn == .parked { return rejectedAgain(index, reason) }
        for _ in 0..<max(1, count) {
            guard let (id, key) = firstUnanswered(index, flight) else { return }
            let parks = lanes[index].policy.onReject != .block
            noteRejection(index, flight, id, reason, parks: parks, &effects)
            guard parks else { return blockFlight(index, flight, id, reason, at: now) }
            lanes[index].park(Parking(id: id, reason: reason), key)
            if flight == 0 {
                lanes[index].finished(1, .parked)
                lanes[index].inFlight?.hasParked = true
                // The far side answers: nothing is down.
                lanes[index].health = .well
                lanes[index].outOfTurn = nil
            } else {
                lanes[index].keyed?.finished(flight, 1, .parked, at: now)
            }
        }
    }

    private func firstUnanswered(_ index: Int, _ flight: Int) -> (id: Int64, key: EventKey?)? {
        if flight > 0 { return lanes[index].keyed?.firstUnanswered(flight).map { ($0.id, $0.key) } }
        return lanes[index].firstUnanswered.map { ($0, lanes[index].key(of: $0)) }
    }

    private mutating func noteRejection(
        _ index: Int, _ flight: Int, _ id: Int64, _ reason: String, parks: Bool, _ effects: inout [RelayEffect]
    ) {
        if case .blocked(id, _, _) = lanes[index].health { return }
        if lanes[index].outOfTurn?.rejected == id || lanes[index].keyed?.isRejected(id) == true { return }
        effects.append(.note(.rejected(sink: lanes[index].name, id: id, reason: reason, isParked: parks)))
    }

    private mutating func blockFlight(_ index: Int, _ flight: Int, _ id: Int64, _ reason: String, at now: Int64) {
        let until = now + lanes[index].policy.retry.maximum
        if lanes[index].keyed == nil {
            lanes[index].health = .blocked(id: id, until: until, reason: reason)
        } else {
            lanes[index].waits(flight, .init(attempt: 1, until: until, reason: reason, rejected: id))
        }
    }

    /// A parked event was tried again, in vain: it stays parked, and those after it wait for another word.
    private mutating func rejectedAgain(_ index: Int, _ reason: String) {
        guard let id = lanes[index].firstUnanswered else { return }
        lanes[index].retried.append(ParkedRetry(id: id, rejection: reason))
        lanes[index].finished(1, .parked)
        lanes[index].inFlight?.hasParked = true
        lanes[index].health = .well
        lanes[index].outOfTurn = nil
    }

    private mutating func block(_ index: Int, _ reason: String, at now: Int64, _ effects: inout [RelayEffect]) {
        if case .blocked(_, _, reason) = lanes[index].health {
        } else {
            effects.append(.note(.blocked(sink: lanes[index].name, reason: reason)))
        }
        lanes[index].health = .blocked(id: 0, until: now + lanes[index].policy.retry.maximum, reason: reason)
    }

    // MARK: - Ends of deliveries

    mutating func deliveryEnded(_ sink: String, _ flight: Int, at now: Int64, _ effects: inout [RelayEffect]) {
        guard let index = lanes.firstIndex(where: { $0.name == sink }), isUnderWay(index, flight) else { return }
        stamp += 1
        if flight > 0 { return keyedFlightEnded(index, flight, at: now, &effects) }
        guard let over = lanes[index].inFlight else { return }
        lanes[index].endFlight()
        // What waits has been read under the new registration.
        if over.isStale { return }
        guard over.answered < over.count else { return }
        if over.hasParked, lanes[index].health == .well {
            // The sink is well: what is left goes on at once.
            if over.turn == .ordered { lanes[index].queue.putBack(over.unanswered) }
            return
        }
        // What has no answer is read again from the table: a lane leaves the tail at its first outage.
        if over.turn == .ordered {
            if lanes[index].place != .reading { leaveTail(index, &effects) } else { lanes[index].dropQueue() }
        }
        guard lanes[index].health == .well, lanes[index].outOfTurn == nil, !isStopping else { return }
        let until = now + max(1, lanes[index].policy.retry.base)
        if lanes[index].keyed == nil {
            lanes[index].health = .retrying(attempt: 1, until: until, reason: Self.noAnswer)
        } else {
            lanes[index].outOfTurn = .init(attempt: 1, until: until, reason: Self.noAnswer, rejected: nil)
        }
    }

    private mutating func keyedFlightEnded(
        _ index: Int, _ flight: Int, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        let next = lanes[index].keyed?.firstUnanswered(flight)
        let isSilent = lanes[index].keyed?.ended(flight) ?? false
        // Also where nothing more is sent: when the relay stops, or the sink is gone.
        takeOver(index)
        if isSilent, let next, !isStopping, lanes[index].health == .well {
            let until = now + max(1, lanes[index].policy.retry.base)
            lanes[index].keyed?.pause(next.key, until: until, reason: Self.noAnswer)
        }
    }

    private static let noAnswer = "the sink ended a delivery without an answer"

    // MARK: - Opening

    /// Asks for the sinks that are not ready, once their pause is over.
    mutating func openSinks(at now: Int64, _ effects: inout [RelayEffect]) {
        guard work != .absent, !isStopping else { return }
        for index in lanes.indices where lanes[index].isConfigured && lanes[index].opening == .shut {
            if case .retrying(_, let until, _) = lanes[index].health, now < until { continue }
            if case .blocked(_, let until, _) = lanes[index].health, now < until { continue }
            lanes[index].opening = .opening
            effects.append(.openSink(lanes[index].name))
        }
    }

    mutating func sinkOpened(_ sink: String, _ effects: inout [RelayEffect]) {
        guard let index = lanes.firstIndex(where: { $0.name == sink }) else { return }
        lanes[index].opening = .open
        guard lanes[index].health != .well else { return }
        lanes[index].health = .well
        effects.append(.note(.recovered(sink: sink)))
    }

    mutating func sinkOpenFailed(
        _ sink: String, _ error: SinkError, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        guard let index = lanes.firstIndex(where: { $0.name == sink }) else { return }
        lanes[index].opening = .shut
        if lanes[index].place != .reading { leaveTail(index, &effects) }
        switch error.code {
        case .misconfigured: block(index, error.reason, at: now, &effects)
        case .unavailable:
            var attempt = 1
            if case .retrying(let earlier, _, _) = lanes[index].health { attempt += earlier }
            let until = now + max(1, lanes[index].policy.retry.pause(attempt: attempt, after: nil, &random))
            lanes[index].health = .retrying(attempt: attempt, until: until, reason: error.reason)
            effects.append(.note(.outage(sink: sink, reason: error.reason, attempt: attempt)))
        }
    }

    // MARK: - The tail

    mutating func leaveTail(_ index: Int, _ effects: inout [RelayEffect]) {
        lanes[index].dropQueue()
        lanes[index].place = .reading
        effects.append(.note(.leftTail(sink: lanes[index].name)))
        scanWanted = true
    }

    mutating func everyLaneLeavesTail(_ effects: inout [RelayEffect]) {
        for index in lanes.indices where lanes[index].place != .reading { leaveTail(index, &effects) }
    }
}
