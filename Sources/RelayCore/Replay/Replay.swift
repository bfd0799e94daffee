/// Decides a replay: portion by portion in ascending id, each delivered in full before the next is read.
///
/// Whoever runs it does what ``step`` says and tells what came of it. Nothing here knows the lane of the same sink.
package struct Replay: Hashable, Sendable {
    /// What is to be done next.
    package enum Step: Hashable, Sendable {
        /// Open the sink: answered by ``opened(_:at:)``.
        case open
        /// Read the lowest rows above `after`, at or below `through`: answered by ``rowsRead(_:reachedEnd:)``.
        case read(ReadRequest)
        /// Deliver these rows of the last portion: answered by ``delivered(_:at:)``.
        case deliver(Range<Int>)
        /// Nothing before then (milliseconds): the sink is tried again.
        case wait(until: Int64)
        case end(ReplayEnd)
    }

    private enum Phase: Hashable, Sendable {
        /// Exits: `reading`, `ended`.
        case opening
        /// Exits: `delivering`, `ended`.
        case reading
        /// Exits: `reading`, `ended`.
        case delivering(Portion)
        case ended(ReplayEnd)
    }

    /// Rows that were read together.
    private struct Portion: Hashable, Sendable {
        var ids: [Int64]
        /// Those that are neither delivered nor passed over.
        var rest: Range<Int>
        /// Nothing is left to read after it.
        var isLast: Bool

        var first: Int64? { rest.first.map { ids[$0] } }
    }

    package let plan: ReplayPlan
    /// Events that were answered for as delivered.
    package private(set) var deliveredCount = 0
    /// Events that were rejected and passed over.
    package private(set) var rejectedCount = 0

    private var phase = Phase.opening
    private var health = SinkHealth.well
    /// Everything at or below is delivered, passed over, or not there.
    private var last: Int64
    private var isStopping = false
    private var random: SplitMix

    /// - Parameter seed: of the random numbers that pauses are drawn from; every value is allowed.
    package init(_ plan: ReplayPlan, seed: UInt64) {
        self.plan = plan
        last = plan.from - 1
        random = SplitMix(state: seed)
        if plan.from > plan.through { phase = .ended(.done) }
    }

    /// The first event that is neither delivered nor passed over, as far as that is known: where another replay goes on.
    package var next: Int64 { last == .max ? .max : last + 1 }

    /// How it ended; nil while it goes on.
    package var end: ReplayEnd? {
        if case .ended(let end) = phase { return end }
        return isStopping ? .stopped : nil
    }

    /// - Parameter now: milliseconds.
    package func step(at now: Int64) -> Step {
        if let end { return .end(end) }
        if !health.mayTry(at: now), let until = health.nextTry { return .wait(until: until) }
        switch phase {
        case .opening: return .open
        case .reading:
            return .read(
                ReadRequest(
                    sink: "", after: last, through: plan.through, rows: plan.rows, bytes: plan.bytes,
                    idsOnly: false))
        case .delivering(let portion): return .deliver(portion.rest.prefix(plan.chunk))
        case .ended(let end): return .end(end)
        }
    }

    /// Ends it after the step that is under way.
    package mutating func stop() { isStopping = true }

    /// The sink was opened, or why not.
    package mutating func opened(_ failure: SinkError?, at now: Int64) -> ReplayNote? {
        guard let failure else {
            phase = .reading
            return health.recover() ? .recovered : nil
        }
        guard failure.code == .unavailable else {
            phase = .ended(.blocked(reason: failure.reason))
            return nil
        }
        return outage(after: nil, failure.reason, at: now)
    }

    package mutating func rowsRead(_ ids: [Int64], reachedEnd: Bool) {
        let isLast = reachedEnd || ids.isEmpty || ids.last == plan.through
        goOn(Portion(ids: ids, rest: ids.indices, isLast: isLast))
    }

    /// The delivery of the last step is over.
    ///
    /// - Parameter answers: the sink's, in order; what has none is not delivered.
    package mutating func delivered(_ answers: [SinkAnswer], at now: Int64) -> [ReplayNote] {
        guard case .delivering(var portion) = phase else { return [] }
        var notes: [ReplayNote] = []
        var failure: DeliveryOutcome?
        for answer in answers {
            guard answer.outcome == .delivered else {
                failure = answer.outcome
                break
            }
            deliveredCount += pass(answer.count, of: &portion)
            if health.recover() { notes.append(.recovered) }
        }
        // A sink that was not cancelled owes an answer: not at once again.
        if answers.isEmpty, !isStopping { failure = .retry(after: nil, reason: "the sink gave no answer") }
        if case .rejected(let reason)? = failure, plan.passesRejected, let rejected = portion.first {
            rejectedCount += pass(1, of: &portion)
            notes.append(.rejected(id: rejected, reason: reason))
            failure = nil
        }
        goOn(portion)
        switch failure {
        case .retry(let after, let reason): outage(after: after, reason, at: now).map { notes.append($0) }
        case .rejected(let reason): if let id = portion.first { phase = .ended(.rejected(id: id, reason: reason)) }
        case .blocked(let reason): phase = .ended(.blocked(reason: reason))
        case .closed(let reason): phase = .ended(.closed(reason: reason))
        case .delivered, nil: break
        }
        return notes
    }

    /// - Returns: how many rows are passed.
    private mutating func pass(_ count: Int, of portion: inout Portion) -> Int {
        let passed = portion.rest.prefix(count)
        portion.rest = portion.rest.dropFirst(count)
        if let index = passed.last { last = portion.ids[index] }
        return passed.count
    }

    private mutating func goOn(_ portion: Portion) {
        if let first = portion.first {
            last = first - 1
            phase = .delivering(portion)
        } else {
            phase = portion.isLast ? .ended(.done) : .reading
        }
    }

    private mutating func outage(after: Duration?, _ reason: String, at now: Int64) -> ReplayNote? {
        let (attempt, _) = health.fail(reason, after: after, plan.retry, at: now, &random)
        return attempt == 1 ? .outage(reason: reason) : nil
    }
}
