/// What the sink says, and what the lane makes of it.
///
/// Flight 0 is the one that carries rows in sequence, or out of turn; the others are the keyed window's.
extension Lane {
    @inline(__always) func hasFlight(_ flight: Int) -> Bool {
        flight == 0 ? inFlight != nil : keyed?.flights[flight] != nil
    }

    private func isStale(_ flight: Int) -> Bool {
        flight == 0 ? inFlight?.isStale != false : keyed?.flights[flight]?.isStale != false
    }

    /// The sink has answered for the next `count` rows of a flight.
    ///
    /// - Parameter isAlone: there is no other sink; if this one is gone for good the relay ends.
    mutating func answered(
        _ flight: Int, _ count: Int, _ outcome: DeliveryOutcome, isAlone: Bool, at now: Int64, _ random: inout SplitMix
    ) -> [LaneEvent] {
        switch outcome {
        case .delivered: return delivered(flight, count, at: now)
        case .retry(let after, let reason): return failed(flight, reason, retryAfter: after, at: now, &random)
        case .rejected(let reason): return rejected(flight, count, reason, at: now)
        case .blocked(let reason): return blocked(reason, at: now)
        case .closed(let reason):
            guard isAlone else { return failed(flight, reason, retryAfter: nil, at: now, &random) }
            health = .closed(reason: reason)
            return [.outage(reason: reason, attempt: 1)]
        }
    }

    private mutating func delivered(_ flight: Int, _ count: Int, at now: Int64) -> [LaneEvent] {
        let before = reportedHealth
        if flight == 0 {
            finished(count, .delivered)
            if count > 0 { outOfTurn = nil }
        } else {
            keyed?.finished(flight, count, .delivered, at: now)
        }
        if count > 0, !isStale(flight) { health = .well }
        return before != .well && reportedHealth == .well ? [.recovered] : []
    }

    /// An outage: with order by key of the keys in the flight, else of the lane.
    private mutating func failed(
        _ flight: Int, _ reason: String, retryAfter: Duration?, at now: Int64, _ random: inout SplitMix
    ) -> [LaneEvent] {
        guard !isStale(flight) else { return [] }
        guard let keyed else {
            let (attempt, _) = health.fail(reason, after: retryAfter, policy.retry, at: now, &random)
            return [.outage(reason: reason, attempt: attempt)]
        }
        let attempt = 1 + (flight > 0 ? keyed.attempts(flight) : outOfTurn?.attempt ?? 0)
        let until = now + policy.retry.pause(attempt: attempt, after: retryAfter, &random)
        // Of a thousand keys that fail together one is told.
        let isNews = flight == 0 || reportedHealth == .well || attempt > 1
        waits(flight, .init(attempt: attempt, until: until, reason: reason, rejected: nil))
        return isNews ? [.outage(reason: reason, attempt: attempt)] : []
    }

    /// With order by key: what is in this flight, or its keys, wait.
    private mutating func waits(_ flight: Int, _ failure: KeyedWindow.Failure) {
        if flight == 0 { outOfTurn = failure } else { keyed?.failed(flight, failure) }
    }

    private mutating func rejected(_ flight: Int, _ count: Int, _ reason: String, at now: Int64) -> [LaneEvent] {
        guard !isStale(flight) else { return [] }
        let turn = flight == 0 ? inFlight?.turn : .ordered
        if turn == .parked {
            rejectedAgain(reason)
            return []
        }
        var events: [LaneEvent] = []
        for _ in 0..<max(1, count) {
            guard let (id, key) = firstUnanswered(flight) else { break }
            let parks = policy.onReject != .block
            if isNews(rejectionOf: id) { events.append(.rejected(id: id, reason: reason, isParked: parks)) }
            guard parks else {
                block(flight, id, reason, at: now)
                break
            }
            park(Parking(id: id, reason: reason), key)
            finishParked(flight, at: now)
        }
        return events
    }

    private mutating func finishParked(_ flight: Int, at now: Int64) {
        guard flight == 0 else {
            keyed?.finished(flight, 1, .parked, at: now)
            return
        }
        finished(1, .parked)
        inFlight?.hasParked = true
        // The far side answers: nothing is down.
        health = .well
        outOfTurn = nil
    }

    private func firstUnanswered(_ flight: Int) -> (id: Int64, key: EventKey?)? {
        if flight > 0 { return keyed?.firstUnanswered(flight).map { ($0.id, $0.key) } }
        return firstUnanswered.map { ($0, key(of: $0)) }
    }

    private func isNews(rejectionOf id: Int64) -> Bool {
        if case .blocked(id, _, _) = health { return false }
        return outOfTurn?.rejected != id && keyed?.isRejected(id) != true
    }

    private mutating func block(_ flight: Int, _ id: Int64, _ reason: String, at now: Int64) {
        let until = now + policy.retry.maximum
        if keyed == nil {
            health = .blocked(id: id, until: until, reason: reason)
        } else {
            waits(flight, .init(attempt: 1, until: until, reason: reason, rejected: id))
        }
    }

    /// A parked event was rejected once more: it stays parked, and those after it wait for another word.
    private mutating func rejectedAgain(_ reason: String) {
        guard let id = firstUnanswered else { return }
        parkedOutcomes.append(ParkedOutcome(id: id, rejection: reason))
        finished(1, .parked)
        inFlight?.hasParked = true
        health = .well
        outOfTurn = nil
    }

    private mutating func blocked(_ reason: String, at now: Int64) -> [LaneEvent] {
        health.block(reason, until: now + policy.retry.maximum) ? [.blocked(reason: reason)] : []
    }

    // MARK: - Ends of deliveries

    /// A delivery is over; rows without an answer are sent, or read, again.
    mutating func deliveryEnded(_ flight: Int, isStopping: Bool, at now: Int64) -> [LaneEvent] {
        flight > 0
            ? keyedFlightEnded(flight, isStopping: isStopping, at: now) : flightEnded(isStopping: isStopping, at: now)
    }

    private mutating func flightEnded(isStopping: Bool, at now: Int64) -> [LaneEvent] {
        guard let over = inFlight else { return [] }
        endFlight()
        // What waits has been read under the new registration.
        if over.isStale { return [] }
        guard over.answered < over.count else { return [] }
        if over.hasParked, health == .well {
            // The sink is well: what is left goes on at once.
            if over.turn == .ordered { queue.putBack(over.unanswered) }
            return []
        }
        var events: [LaneEvent] = []
        // What has no answer is read again from the table: a lane leaves the tail at its first outage.
        if over.turn == .ordered {
            if place != .reading { events.append(leaveTail()) } else { dropQueue() }
        }
        guard health == .well, outOfTurn == nil, !isStopping else { return events }
        let until = now + max(1, policy.retry.base)
        if keyed == nil {
            health = .retrying(attempt: 1, until: until, reason: Self.noAnswer)
        } else {
            outOfTurn = .init(attempt: 1, until: until, reason: Self.noAnswer, rejected: nil)
        }
        return events
    }

    private mutating func keyedFlightEnded(_ flight: Int, isStopping: Bool, at now: Int64) -> [LaneEvent] {
        let next = keyed?.firstUnanswered(flight)
        let isSilent = keyed?.ended(flight) ?? false
        // Also where nothing more is sent: when the relay stops, or the sink is gone.
        _ = takeFinished()
        if isSilent, let next, !isStopping, health == .well {
            keyed?.pause(next.key, until: now + max(1, policy.retry.base), reason: Self.noAnswer)
        }
        return []
    }

    private static let noAnswer = "the sink ended a delivery without an answer"

    // MARK: - Opening

    /// Whether the sink is to be opened now; it is being opened then.
    mutating func opens(at now: Int64) -> Bool {
        guard isConfigured, opening == .shut, now >= health.nextTry ?? now else { return false }
        opening = .opening
        return true
    }

    mutating func opened() -> [LaneEvent] {
        opening = .open
        return health.recover() ? [.recovered] : []
    }

    mutating func openFailed(_ error: SinkError, at now: Int64, _ random: inout SplitMix) -> [LaneEvent] {
        opening = .shut
        var events: [LaneEvent] = []
        if place != .reading { events.append(leaveTail()) }
        switch error.code {
        case .misconfigured: events += blocked(error.reason, at: now)
        case .unavailable:
            // Not at once again, whatever the policy says.
            let (attempt, _) = health.fail(error.reason, after: .milliseconds(1), policy.retry, at: now, &random)
            events.append(.outage(reason: error.reason, attempt: attempt))
        }
        return events
    }
}
