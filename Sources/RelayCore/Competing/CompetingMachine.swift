/// A relay that shares the load with any number of others, without order: everything that decides, and nothing that acts.
///
/// It claims rows that nobody else has locked, delivers them to its one sink, and marks what was delivered in the
/// transaction that claimed it. A claim is held until its rows are delivered, at most for the claim timeout; what is not
/// delivered by then is free for others.
package struct CompetingMachine: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// There is no session. Exit: `idle`.
        case away
        /// Exit: `claiming`, `looking`.
        case idle
        /// Exits: `delivering` (rows came), `idle`.
        case claiming
        /// Rows are with the sink since `since`, and are given up at `deadline` (milliseconds). Exit: `marking`.
        case delivering(RowBatch, since: Int64, deadline: Int64)
        /// What was delivered is marked, and the claim ends. Exit: `idle`.
        case marking(RowBatch)
        /// Whether anything is left is asked for. Exits: `idle`, `ended`.
        case looking
        case ended
    }

    package enum Input: Hashable, Sendable {
        case tick
        case sessionOpened
        case sessionLost
        case sinkOpened
        case sinkOpenFailed(SinkError)
        /// The rows are locked for this relay, and the claim is open, unless there are none.
        case claimed(RowBatch)
        /// The claim, the marking or the look failed and was rolled back. `again`: another relay was quicker.
        case workFailed(again: Bool)
        case answered(count: Int, DeliveryOutcome)
        case deliveryEnded
        /// Those that cannot be marked are named: they were delivered, and stand where they stood.
        case marked(unmovable: [Int64] = [])
        /// Whether some unpublished row is left, held by another relay or not.
        case looked(isEmpty: Bool)
        case stop
    }

    package enum Effect: Hashable, Sendable {
        case openSink
        /// Lock and read at most so many of the lowest rows that nobody holds, none of `without`.
        case claim(rows: Int, bytes: Int, without: [Int64])
        case deliver([RowSlice])
        case cancelDelivery
        /// Mark these as published, park those, and end the claim. Both may be empty.
        case mark([Int64], parked: [Parking])
        case look
        case release(BatchToken)
        case note(RelayNote)
        case finished(RelayEnd)
    }

    /// Milliseconds until an event that cannot be marked is delivered once more, and marked where that was mended.
    private static let unmovablePause: Int64 = 3_600_000

    private let sink: String
    private let policy: RelayPolicy
    private let lane: LanePolicy
    private let claimTimeout: Int64
    private(set) package var phase = Phase.away
    private(set) package var health = Lane.Health.well
    private var opening = Lane.Opening.shut
    private var budget: ClaimBudget
    private var delivered: [Int64] = []
    private var parked: [Parking] = []
    /// Events that claims leave out, and until when: rejected ones that are not parked, and those that cannot be marked.
    /// Nobody is held up by them.
    private var leftOut: [Int64: Int64] = [:]
    private var nextClaim: Int64 = 0
    private var pause: Int64 = 0
    /// The last claim found nothing: what is left is held by others, or there is nothing.
    private var foundNothing = false
    private var isStopping = false
    private var random: SplitMix

    package init(
        sink: String, policy: RelayPolicy, lane: LanePolicy = LanePolicy(), claimTimeout: Int64, seed: UInt64 = 0
    ) {
        self.sink = sink
        self.policy = policy
        self.lane = lane
        self.claimTimeout = claimTimeout
        budget = ClaimBudget(limit: min(policy.batchSize, policy.window), claimTimeout: claimTimeout)
        random = SplitMix(state: seed)
    }

    /// Takes one input and says what is to be done.
    ///
    /// - Parameter now: milliseconds on a clock that never goes back.
    package mutating func handle(_ input: Input, at now: Int64) -> [Effect] {
        var effects: [Effect] = []
        if phase == .ended { return effects }
        take(input, at: now, &effects)
        advance(at: now, &effects)
        return effects
    }

    /// When to call again with `tick`, though nothing else happens; nil: never.
    package var nextWake: Int64? {
        switch phase {
        case .away, .claiming, .marking, .looking, .ended: nil
        // The sink's answer is waited for.
        case .idle: opening == .opening ? nil : max(nextClaim, heldUntil)
        case .delivering(_, _, let deadline): deadline
        }
    }

    private var heldUntil: Int64 {
        switch health {
        case .well, .closed: 0
        case .retrying(_, let until, _), .blocked(_, let until, _): until
        }
    }

    // MARK: - Inputs

    private mutating func take(_ input: Input, at now: Int64, _ effects: inout [Effect]) {
        switch input {
        case .tick: break
        case .sessionOpened:
            if phase == .away { phase = .idle }
            nextClaim = now
        case .sessionLost: loseSession(&effects)
        case .sinkOpened:
            opening = .open
            recover(&effects)
        case .sinkOpenFailed(let error): openFailed(error, at: now, &effects)
        case .claimed(let rows): claimed(rows, at: now, &effects)
        case .workFailed(let again): workFailed(again, at: now, &effects)
        case .answered(let count, let outcome): answered(count, outcome, at: now, &effects)
        case .deliveryEnded: deliveryEnded(at: now, &effects)
        case .marked(let unmovable):
            guard case .marking(let rows) = phase else { return }
            release(rows, &effects)
            for id in unmovable { leftOut[id] = now + Self.unmovablePause }
            phase = .idle
            nextClaim = now
        case .looked(let isEmpty): looked(isEmpty, at: now, &effects)
        case .stop: isStopping = true
        }
    }

    private mutating func loseSession(_ effects: inout [Effect]) {
        // The server has freed the rows: whatever was delivered of them comes again, from somebody.
        if case .delivering(let rows, _, _) = phase {
            effects.append(.cancelDelivery)
            release(rows, &effects)
        }
        if case .marking(let rows) = phase { release(rows, &effects) }
        phase = .away
        delivered = []
        parked = []
    }

    private mutating func claimed(_ rows: RowBatch, at now: Int64, _ effects: inout [Effect]) {
        guard phase == .claiming else {
            return release(rows, &effects)
        }
        guard !rows.ids.isEmpty else {
            phase = .idle
            foundNothing = true
            return rest(at: now)
        }
        pause = 0
        delivered = []
        parked = []
        phase = .delivering(rows, since: now, deadline: now + claimTimeout)
        effects.append(.deliver([RowSlice(rows, 0..<rows.ids.count)]))
    }

    /// Nothing to do: ask less often, up to the poll interval.
    private mutating func rest(at now: Int64) {
        pause = min(policy.pollInterval, max(1, pause * 2))
        nextClaim = now + pause
    }

    private mutating func workFailed(_ again: Bool, at now: Int64, _ effects: inout [Effect]) {
        if case .marking(let rows) = phase { release(rows, &effects) }
        if phase != .away { phase = .idle }
        nextClaim = again ? now : now + policy.pollInterval
    }

    private mutating func answered(
        _ count: Int, _ outcome: DeliveryOutcome, at now: Int64, _ effects: inout [Effect]
    ) {
        guard case .delivering(let rows, _, _) = phase else { return }
        let done = delivered.count + parked.count
        let next = rows.ids[min(done, rows.ids.count)..<min(done + max(0, count), rows.ids.count)]
        switch outcome {
        case .delivered:
            delivered += next
            recover(&effects)
        case .rejected(let reason): for id in next { reject(id, reason, at: now, &effects) }
        case .retry(let after, let reason): fail(reason, after, at: now, &effects)
        case .blocked(let reason): block(reason, at: now, &effects)
        case .closed(let reason):
            health = .closed(reason: reason)
            effects.append(.note(.outage(sink: sink, reason: reason, attempt: 1)))
        }
    }

    private mutating func reject(_ id: Int64, _ reason: String, at now: Int64, _ effects: inout [Effect]) {
        let parks = lane.onReject != .block
        effects.append(.note(.rejected(sink: sink, id: id, reason: reason, isParked: parks)))
        if parks { parked.append(Parking(id: id, reason: reason)) } else { leftOut[id] = now + lane.retry.maximum }
    }

    private mutating func deliveryEnded(at now: Int64, _ effects: inout [Effect]) {
        guard case .delivering(let rows, let since, _) = phase else { return }
        budget.learn(claimed: rows.ids.count, delivered: delivered.count + parked.count, in: now - since)
        phase = .marking(rows)
        effects.append(.mark(delivered, parked: parked))
    }

    private mutating func looked(_ isEmpty: Bool, at now: Int64, _ effects: inout [Effect]) {
        guard phase == .looking else { return }
        if isEmpty { return finish(.drained, &effects) }
        phase = .idle
        rest(at: now)
    }

    // MARK: - The sink

    private mutating func recover(_ effects: inout [Effect]) {
        guard health != .well else { return }
        health = .well
        effects.append(.note(.recovered(sink: sink)))
    }

    private mutating func fail(_ reason: String, _ after: Duration?, at now: Int64, _ effects: inout [Effect]) {
        var attempt = 1
        if case .retrying(let earlier, _, _) = health { attempt += earlier }
        let delay = lane.retry.pause(attempt: attempt, after: after, &random)
        health = .retrying(attempt: attempt, until: now + delay, reason: reason)
        effects.append(.note(.outage(sink: sink, reason: reason, attempt: attempt)))
    }

    private mutating func block(_ reason: String, at now: Int64, _ effects: inout [Effect]) {
        if case .blocked(_, _, reason) = health {
        } else {
            effects.append(.note(.blocked(sink: sink, reason: reason)))
        }
        health = .blocked(id: 0, until: now + lane.retry.maximum, reason: reason)
    }

    private mutating func openFailed(_ error: SinkError, at now: Int64, _ effects: inout [Effect]) {
        opening = .shut
        switch error.code {
        case .misconfigured: block(error.reason, at: now, &effects)
        case .unavailable: fail(error.reason, nil, at: now, &effects)
        }
    }

    // MARK: - What is next

    private mutating func advance(at now: Int64, _ effects: inout [Effect]) {
        if case .delivering(let rows, let since, let deadline) = phase, now >= deadline, deadline < .max {
            // What is not delivered by now is free for others; what was is marked.
            phase = .delivering(rows, since: since, deadline: .max)
            effects.append(.cancelDelivery)
        }
        guard phase == .idle || phase == .away else { return }
        if isStopping { return finish(.stopped, &effects) }
        if case .closed = health { return finish(.sinkClosed(sink), &effects) }
        guard phase == .idle, now >= heldUntil else { return }
        guard opening == .open else {
            if opening == .shut {
                opening = .opening
                effects.append(.openSink)
            }
            return
        }
        guard now >= nextClaim else { return }
        leftOut = leftOut.filter { $0.value > now }
        if leftOut.count >= policy.window {
            // What is left out of claims is bounded; the first of them is tried again before more is claimed.
            nextClaim = leftOut.values.min() ?? now
            return
        }
        if policy.untilDrained, foundNothing, leftOut.isEmpty {
            phase = .looking
            foundNothing = false
            return effects.append(.look)
        }
        phase = .claiming
        effects.append(.claim(rows: budget.rows, bytes: policy.memory / 4, without: leftOut.keys.sorted()))
    }

    private mutating func finish(_ end: RelayEnd, _ effects: inout [Effect]) {
        phase = .ended
        effects.append(.finished(end))
    }

    private func release(_ rows: RowBatch, _ effects: inout [Effect]) {
        if let token = rows.token { effects.append(.release(token)) }
    }
}
