/// What the sink says, and what follows from it: one event that fails holds up no other.
extension CompetingMachine {
    mutating func answered(
        _ count: Int, _ outcome: DeliveryOutcome, at now: Int64, _ effects: inout [Effect]
    ) {
        guard case .delivering(let rows, _, _) = phase else { return }
        let done = delivered.count + parked.count
        let next = rows.ids[min(done, rows.ids.count)..<min(done + max(0, count), rows.ids.count)]
        switch outcome {
        case .delivered:
            delivered += next
            for id in next { leftOut.succeeded(id) }
            recover(&effects)
        case .rejected(let reason): for id in next { reject(id, reason, at: now, &effects) }
        case .retry(let after, let reason): fail(next.first, reason, after, at: now, &effects)
        case .blocked(let reason): block(reason, at: now, &effects)
        case .closed(let reason):
            health = .closed(reason: reason)
            effects.append(.note(.outage(sink: sink, reason: reason, attempt: 1)))
        }
    }

    mutating func reject(_ id: Int64, _ reason: String, at now: Int64, _ effects: inout [Effect]) {
        let parks = lane.onReject != .block
        effects.append(.note(.rejected(sink: sink, id: id, reason: reason, isParked: parks)))
        if parks { parked.append(Parking(id: id, reason: reason)) } else { leaveOut(rejected: id, at: now) }
    }

    mutating func leaveOut(rejected id: Int64, at now: Int64) {
        let pause = lane.retry.maximum
        _ = leftOut.failed(id, pause: { _ in pause }, at: now)
    }

    mutating func deliveryEnded(at now: Int64, _ effects: inout [Effect]) {
        guard case .delivering(let rows, let since, let deadline) = phase else { return }
        let done = delivered.count + parked.count
        if deadline == .max, done == 0, outage == nil, let first = rows.ids.first {
            // Not too many for the claim: one that takes longer than it.
            fail(first, "no answer came within the claim timeout of \(claimTimeout) ms", nil, at: now, &effects)
        }
        if outage != nil { leftOut.took(now - since, at: now) }
        budget.learn(claimed: rows.ids.count, delivered: done, in: now - since)
        phase = .marking(rows)
        effects.append(.mark(delivered, parked: parked))
    }

    mutating func recover(_ effects: inout [Effect]) {
        guard health.recover(), isTold else { return }
        isTold = false
        effects.append(.note(.recovered(sink: sink)))
    }

    /// An outage, found at one event: that one is left out for a while, and the others are tried after a shorter pause.
    mutating func fail(
        _ id: Int64?, _ reason: String, _ after: Duration?, at now: Int64, _ effects: inout [Effect]
    ) {
        let (attempt, delay) = health.fail(reason, after: after, lane.retry, at: now, &random)
        var shown = reason
        if let id {
            outage = id
            let (retry, draw) = (lane.retry, random.next())
            _ = leftOut.failed(id, pause: { delay + retry.delay(attempt: $0, draw: draw) }, at: now)
            shown += " (event \(id); other events continue)"
        }
        guard attempt > 1 || lastTold.map({ now - $0 >= Self.tellingPause }) ?? true else { return }
        if attempt == 1 {
            isTold = true
            lastTold = now
        }
        effects.append(.note(.outage(sink: sink, reason: shown, attempt: attempt)))
    }

    mutating func block(_ reason: String, at now: Int64, _ effects: inout [Effect]) {
        guard health.block(reason, until: now + lane.retry.maximum) else { return }
        effects.append(.note(.blocked(sink: sink, reason: reason)))
        isTold = true
    }

    mutating func openFailed(_ error: SinkError, at now: Int64, _ effects: inout [Effect]) {
        opening = .shut
        switch error.code {
        case .misconfigured: block(error.reason, at: now, &effects)
        case .unavailable: fail(nil, error.reason, nil, at: now, &effects)
        }
    }
}
