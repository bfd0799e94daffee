extension RelayMachine {
    /// Sends each idle lane what waits for it, within its window.
    mutating func dispatch(at now: Int64, _ effects: inout [RelayEffect]) {
        guard !isStopping else { return }
        for index in lanes.indices where lanes[index].inFlight == nil && lanes[index].isConfigured {
            guard mayTry(lanes[index].health, at: now) else { continue }
            let room = policy.window - lanes[index].done.count
            guard room > 0, !lanes[index].queue.isEmpty else { continue }
            // Settling takes its time; a few rows at a time would keep the sink from batching.
            if room < min(policy.window / 4, lanes[index].queued) { continue }
            let slices = lanes[index].take(room)
            lanes[index].inFlight = Lane.InFlight(slices: slices, isLate: false)
            effects.append(.deliver(sink: lanes[index].name, slices))
        }
    }

    private func mayTry(_ health: Lane.Health, at now: Int64) -> Bool {
        switch health {
        case .well: true
        case .retrying(_, let until, _), .blocked(_, let until, _): now >= until
        case .closed: false
        }
    }

    /// Whether the lane may be given rows at all now.
    func mayTry(_ lane: Lane, at now: Int64) -> Bool { mayTry(lane.health, at: now) }

    mutating func answered(
        _ sink: String, _ count: Int, _ outcome: DeliveryOutcome, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        guard let index = lanes.firstIndex(where: { $0.name == sink }), lanes[index].inFlight != nil else { return }
        stamp += 1
        switch outcome {
        case .delivered:
            let wasWell = lanes[index].health == .well
            lanes[index].delivered(count)
            if !wasWell, lanes[index].health == .well { effects.append(.note(.recovered(sink: sink))) }
        case .retry(let after, let reason):
            fail(index, .outage(reason), retryAfter: after, at: now, &effects)
        case .rejected(let reason), .blocked(let reason):
            fail(index, .rejection(reason), retryAfter: nil, at: now, &effects)
        case .closed(let reason):
            if lanes.count(where: \.isConfigured) > 1 {
                fail(index, .outage(reason), retryAfter: nil, at: now, &effects)
            } else {
                lanes[index].health = .closed(reason: reason)
                effects.append(.note(.outage(sink: sink, reason: reason, attempt: 1)))
            }
        }
    }

    private enum Failure {
        case outage(String), rejection(String)
    }

    private mutating func fail(
        _ index: Int, _ failure: Failure, retryAfter: Duration?, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        guard lanes[index].inFlight?.isStale == false else { return }
        var attempt = 1
        if case .retrying(let earlier, _, _) = lanes[index].health { attempt = earlier + 1 }
        var delay = policy.retry.maximum == 0 ? 0 : policy.retry.delay(attempt: attempt, draw: draw())
        if let retryAfter { delay = max(delay, retryAfter.wholeMilliseconds) }
        let name = lanes[index].name
        switch failure {
        case .outage(let reason):
            lanes[index].health = .retrying(attempt: attempt, until: now + delay, reason: reason)
            effects.append(.note(.outage(sink: name, reason: reason, attempt: attempt)))
        case .rejection(let reason):
            let id = lanes[index].firstUnanswered ?? 0
            let until = now + policy.retry.maximum
            if case .blocked(id, _, _) = lanes[index].health {
            } else {
                effects.append(.note(.rejected(sink: name, id: id, reason: reason)))
            }
            lanes[index].health = .blocked(id: id, until: until, reason: reason)
        }
    }

    mutating func deliveryEnded(_ sink: String, at now: Int64, _ effects: inout [RelayEffect]) {
        guard let index = lanes.firstIndex(where: { $0.name == sink }), let flight = lanes[index].inFlight else {
            return
        }
        lanes[index].inFlight = nil
        stamp += 1
        if flight.isStale {
            _ = lanes[index].dropQueue()
            return
        }
        guard flight.answered < flight.count, !flight.isLate else { return }
        // What has no answer is read again from the table: a lane leaves the tail at its first outage.
        if lanes[index].place != .reading { leaveTail(index, &effects) } else { _ = lanes[index].dropQueue() }
        if lanes[index].health == .well, !isStopping {
            lanes[index].health = .retrying(
                attempt: 1, until: now + policy.retry.base, reason: "the sink ended a delivery without an answer")
        }
    }

    mutating func leaveTail(_ index: Int, _ effects: inout [RelayEffect]) {
        _ = lanes[index].dropQueue()
        lanes[index].place = .reading
        effects.append(.note(.leftTail(sink: lanes[index].name)))
        scanWanted = true
    }

    mutating func everyLaneLeavesTail(_ effects: inout [RelayEffect]) {
        for index in lanes.indices where lanes[index].place != .reading { leaveTail(index, &effects) }
    }

    /// The shared buffer is full and somebody on the tail has nothing to do: the one furthest behind goes to the table.
    mutating func leaveTailIfOthersStarve(_ effects: inout [RelayEffect]) {
        guard bufferedBytes >= policy.memory / 2, lanes.count(where: \.isOnTail) > 1 else { return }
        guard lanes.contains(where: { $0.isOnTail && $0.queue.isEmpty }) else { return }
        let behind = lanes.indices.filter { lanes[$0].isOnTail && !lanes[$0].queue.isEmpty }
            .max { lanes[$0].queued < lanes[$1].queued }
        if let behind { leaveTail(behind, &effects) }
    }
}

extension Duration {
    /// Whole milliseconds, at least 0; what is longer than a day counts as a day.
    fileprivate var wholeMilliseconds: Int64 {
        let day: Int64 = 86_400
        let seconds = min(max(components.seconds, 0), day)
        return seconds * 1000 + max(0, components.attoseconds) / 1_000_000_000_000_000
    }
}
