/// A relay that shares the load with any number of others, without order: everything that decides, and nothing that acts.
///
/// It claims rows that nobody else has locked, delivers them to its one sink, and marks what was delivered in the
/// transaction that claimed it. A claim is held until its rows are delivered, at most for the claim timeout; what is not
/// delivered by then is free for others.
///
/// One event holds nobody up: whatever fails is left out of claims for a while, and the others are tried. What was
/// delivered and cannot be marked is not sent again; its mark is tried again by itself.
package struct CompetingMachine: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// There is no session. Exit: `idle`.
        case away
        /// Exits: `claiming`, `remarking`, `checkingEmpty`.
        case idle
        /// Exits: `delivering` (rows came), `idle`.
        case claiming
        /// Rows are with the sink since `since`, and are given up at `deadline` (milliseconds). Exit: `marking`.
        case delivering(RowBatch, since: Int64, deadline: Int64)
        /// What was delivered is marked, and the claim ends. Exit: `idle`.
        case marking(RowBatch)
        /// What was delivered earlier and could not be marked is tried again. Exit: `idle`.
        case remarking([UnmarkedRow])
        /// Whether anything is left is asked for. Exits: `idle`, `ended`.
        case checkingEmpty
        case ended
    }

    package enum Input: Hashable, Sendable {
        case tick
        case sessionOpened
        case sessionLost
        case sinkOpened
        case sinkOpenFailed(SinkError)
        /// The rows are locked for this relay, and the claim is open, unless there are none. Those that cannot be read
        /// are named.
        case claimed(RowBatch, unreadable: [Int64] = [])
        /// The claim, the marking or the check failed and was rolled back. `again`: another relay was quicker.
        case workFailed(again: Bool)
        case answered(count: Int, DeliveryOutcome)
        case deliveryEnded
        /// Those that cannot be marked or parked are named: they are where they were.
        case marked(unmarked: [Int64] = [], unparked: [Int64] = [])
        /// Those of the rows that still cannot be marked, and those that another relay has locked; all others are
        /// marked, or gone.
        case remarked(unmarked: [Int64] = [], locked: [Int64] = [])
        /// Whether some unpublished row is left, held by another relay or not.
        case emptyChecked(isEmpty: Bool)
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
        /// Mark these as published if they are there as they were.
        case remark([UnmarkedRow])
        case checkEmpty
        case release(BatchToken)
        case note(RelayNote)
        case finished(RelayEnd)
    }

    /// Milliseconds until a row that cannot be read is tried again: after the first time, and the longest.
    static let unreadablePauses: ClosedRange<Int64> = 500...10_000
    /// Milliseconds, the longest, between two statements that fail.
    static let longestFailurePause: Int64 = 5000
    /// Milliseconds: an outage that comes and goes is told so often at most.
    static let tellingPause: Int64 = 10_000

    let sink: String
    let policy: RelayPolicy
    let lane: LanePolicy
    let claimTimeout: Int64
    package internal(set) var phase = Phase.away
    package internal(set) var health = SinkHealth.well
    var opening = SinkOpening.shut
    var budget: ClaimBudget
    var delivered: [Int64] = []
    var parked: [Parking] = []
    /// What failed in this claim: its first event that is not delivered.
    var outage: Int64?
    /// Rejected events that are not parked, those that failed, and those that cannot be read.
    var leftOut = LeftOutRows()
    var unmarked = UnmarkedRows()
    /// When the next claim is made: less and less often where there is nothing to do.
    var claims = Pace()
    /// Statements that failed in a row.
    var failures = 0
    /// When an outage was told last, and whether its end is to be told.
    var lastTold: Int64?
    var isTold = false
    /// The last claim found nothing: what is left is held by others, or there is nothing.
    var foundNothing = false
    var isStopping = false
    var random: SplitMix

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
        case .away, .claiming, .marking, .remarking, .checkingEmpty, .ended: nil
        // While the sink opens, its answer is waited for.
        case .idle where opening == .opening: unmarked.nextDue
        case .idle: min(max(claims.next, retryAt), unmarked.nextDue ?? .max)
        case .delivering(_, _, let deadline): deadline
        }
    }

    var retryAt: Int64 { health.nextTry ?? 0 }

    // MARK: - Inputs

    mutating func take(_ input: Input, at now: Int64, _ effects: inout [Effect]) {
        switch input {
        case .tick: break
        case .sessionOpened:
            if phase == .away { phase = .idle }
            claims.next = now
        case .sessionLost: loseSession(at: now, &effects)
        case .sinkOpened:
            opening = .open
            recover(&effects)
        case .sinkOpenFailed(let error): openFailed(error, at: now, &effects)
        case .claimed(let rows, let unreadable): claimed(rows, unreadable, at: now, &effects)
        case .workFailed(let again): workFailed(again, at: now, &effects)
        case .answered(let count, let outcome): answered(count, outcome, at: now, &effects)
        case .deliveryEnded: deliveryEnded(at: now, &effects)
        case .marked(let unmarked, let unparked): marked(unmarked, unparked, at: now, &effects)
        case .remarked(let failed, let locked): remarked(failed, locked, at: now)
        case .emptyChecked(let isEmpty): emptyChecked(isEmpty, at: now, &effects)
        case .stop: isStopping = true
        }
    }

    mutating func loseSession(at now: Int64, _ effects: inout [Effect]) {
        // The server has freed the rows. What was delivered of them is marked by the next session, unless it is already.
        switch phase {
        case .delivering(let rows, _, _):
            effects.append(.cancelDelivery)
            rememberUnmarked(delivered, of: rows, until: now)
            release(rows, &effects)
        case .marking(let rows):
            rememberUnmarked(delivered, of: rows, until: now)
            release(rows, &effects)
        case .away, .idle, .claiming, .remarking, .checkingEmpty, .ended: break
        }
        phase = .away
        delivered = []
        parked = []
    }

    mutating func rememberUnmarked(_ ids: some Sequence<Int64>, of rows: RowBatch, until: Int64) {
        let ids = Set(ids)
        let found = zip(rows.ids, rows.marks).filter { ids.contains($0.0) }
        unmarked.remember(found.map { UnmarkedRow(id: $0.0, mark: $0.1) }, until: until)
    }

    mutating func claimed(
        _ rows: RowBatch, _ unreadable: [Int64], at now: Int64, _ effects: inout [Effect]
    ) {
        guard phase == .claiming else {
            return release(rows, &effects)
        }
        failures = 0
        for id in unreadable { leaveOut(unreadable: id, at: now) }
        guard !rows.ids.isEmpty else {
            phase = .idle
            // Without those that cannot be read there may be others.
            if !unreadable.isEmpty { return claims.next = now }
            foundNothing = true
            leftOut.othersAreDone()
            return claims.slow(at: now, atMost: policy.pollInterval)
        }
        claims.pause = 0
        delivered = []
        parked = []
        outage = nil
        phase = .delivering(rows, since: now, deadline: now + claimTimeout)
        effects.append(.deliver([RowSlice(rows, 0..<rows.ids.count)]))
    }

    mutating func leaveOut(unreadable id: Int64, at now: Int64) {
        let pauses = Self.unreadablePauses
        _ = leftOut.failed(
            id, pause: { min(pauses.lowerBound << Int64(min($0 - 1, 10)), pauses.upperBound) }, at: now)
    }

    mutating func workFailed(_ again: Bool, at now: Int64, _ effects: inout [Effect]) {
        switch phase {
        case .marking(let rows):
            rememberUnmarked(delivered, of: rows, until: again ? now : UnmarkedRows.firstDue(at: now))
            for parking in parked { leaveOut(rejected: parking.id, at: now) }
            release(rows, &effects)
        case .remarking(let rows): unmarked.failed(rows.map(\.id), at: now)
        case .away, .idle, .claiming, .delivering, .checkingEmpty, .ended: break
        }
        if phase != .away { phase = .idle }
        if again { return claims.next = now }
        claims.next =
            now
            + min(policy.pollInterval << Int64(min(failures, 10)), max(policy.pollInterval, Self.longestFailurePause))
        failures += 1
    }

    mutating func marked(
        _ failed: [Int64], _ unparked: [Int64], at now: Int64, _ effects: inout [Effect]
    ) {
        guard case .marking(let rows) = phase else { return }
        failures = 0
        rememberUnmarked(failed, of: rows, until: UnmarkedRows.firstDue(at: now))
        for id in unparked { leaveOut(rejected: id, at: now) }
        release(rows, &effects)
        phase = .idle
        claims.next = now
    }

    mutating func remarked(_ failed: [Int64], _ locked: [Int64], at now: Int64) {
        guard case .remarking(let rows) = phase else { return }
        failures = 0
        let left = Set(failed + locked)
        unmarked.failed(left, at: now)
        unmarked.forget(rows.map(\.id).filter { !left.contains($0) })
        phase = .idle
    }

    mutating func emptyChecked(_ isEmpty: Bool, at now: Int64, _ effects: inout [Effect]) {
        guard phase == .checkingEmpty else { return }
        if isEmpty { return finish(.drained, &effects) }
        phase = .idle
        claims.slow(at: now, atMost: policy.pollInterval)
    }

    // MARK: - What is next

    mutating func advance(at now: Int64, _ effects: inout [Effect]) {
        if case .delivering(let rows, let since, let deadline) = phase, now >= deadline, deadline < .max {
            // What is not delivered by now is free for others; what was is marked.
            phase = .delivering(rows, since: since, deadline: .max)
            effects.append(.cancelDelivery)
        }
        guard phase == .idle || phase == .away else { return }
        if isStopping { return finish(.stopped, &effects) }
        if health.isClosed { return finish(.sinkClosed(sink), &effects) }
        guard phase == .idle, !remark(at: now, &effects), now >= retryAt else { return }
        guard opening == .open else {
            if opening == .shut {
                opening = .opening
                effects.append(.openSink)
            }
            return
        }
        if now >= claims.next { claim(at: now, &effects) }
    }

    /// Tries the marks that are due; whether there are any.
    mutating func remark(at now: Int64, _ effects: inout [Effect]) -> Bool {
        let due = unmarked.due(at: now)
        guard !due.isEmpty else { return false }
        phase = .remarking(due)
        effects.append(.remark(due))
        return true
    }

    mutating func claim(at now: Int64, _ effects: inout [Effect]) {
        if leftOut.count(at: now) + unmarked.count >= policy.window {
            // What is left out of claims is bounded; the first of it is tried again before more is claimed.
            claims.next = min(leftOut.firstDue(after: now) ?? .max, unmarked.nextDue ?? .max)
            return
        }
        if policy.untilDrained, foundNothing {
            phase = .checkingEmpty
            foundNothing = false
            return effects.append(.checkEmpty)
        }
        phase = .claiming
        let without = Set(leftOut.ids(at: now)).union(unmarked.ids)
        effects.append(.claim(rows: budget.rows, bytes: policy.memory / 4, without: without.sorted()))
    }

    mutating func finish(_ end: RelayEnd, _ effects: inout [Effect]) {
        phase = .ended
        effects.append(.finished(end))
    }

    func release(_ rows: RowBatch, _ effects: inout [Effect]) {
        if let token = rows.token { effects.append(.release(token)) }
    }
}
