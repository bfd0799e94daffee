/// Decides a replay: portion by portion in ascending id, each delivered in full before the next is read.
///
/// Whoever runs it does what ``step`` says and tells what came of it. Nothing here knows the lane of the same sink.
package struct Replay: Hashable, Sendable {
    /// What is to be done next.
    package enum Step: Hashable, Sendable {
        /// Open the sink: answered by ``opened(_:draw:)``.
        case open
        /// Read the lowest rows above `after`, at or below `through`: answered by ``rowsRead(_:reachedEnd:)``.
        case read(ReadRequest)
        /// Deliver these rows of the last portion: answered by ``delivered(_:draw:)``.
        case deliver(Range<Int>)
        /// Let so many milliseconds pass: answered by ``waited()``.
        case wait(Int64)
        case end(ReplayEnd)
    }

    private enum Phase: Hashable, Sendable {
        /// Exits: `reading`, `waiting`, `ended`.
        case opening
        /// Exits: `delivering`, `ended`.
        case reading
        /// Exits: `delivering`, `waiting`, `reading`, `ended`.
        case delivering
        /// Exits: `opening`, `delivering`.
        case waiting(Int64)
        case ended(ReplayEnd)
    }

    package let plan: ReplayPlan
    /// Events that were answered for as delivered.
    package private(set) var deliveredCount = 0
    /// Events that were rejected and passed over.
    package private(set) var rejectedCount = 0

    private var phase = Phase.opening
    /// The last id that is delivered or passed over; at first the one before all.
    private var last: Int64
    private var isOpen = false
    private var isStopping = false
    /// Ids of the last portion, and those of them that are left.
    private var ids: [Int64] = []
    private var rest = 0..<0
    private var isLastPortion = false
    /// Failures in a row.
    private var attempt = 0

    package init(_ plan: ReplayPlan) {
        self.plan = plan
        last = plan.from - 1
        if plan.from > plan.through { phase = .ended(.done) }
    }

    /// The first event that is neither delivered nor passed over, as far as that is known: where another replay goes on.
    package var next: Int64 { rest.first.map { ids[$0] } ?? (last == .max ? .max : last + 1) }

    package var step: Step {
        if case .ended(let end) = phase { return .end(end) }
        if isStopping { return .end(.stopped) }
        switch phase {
        case .opening: return .open
        case .reading:
            return .read(
                ReadRequest(
                    sink: "", after: last, through: plan.through, rows: plan.rows, bytes: plan.bytes,
                    idsOnly: false))
        case .delivering: return .deliver(rest.prefix(plan.chunk))
        case .waiting(let time): return .wait(time)
        case .ended(let end): return .end(end)
        }
    }

    /// Ends it after the step that is under way.
    package mutating func stop() { isStopping = true }

    /// The sink was opened, or why not.
    ///
    /// - Parameter draw: a random number; every value is allowed.
    package mutating func opened(_ failure: SinkError?, draw: UInt64) -> ReplayNote? {
        guard let failure else {
            isOpen = true
            phase = .reading
            return attempt > 0 ? recovered() : nil
        }
        guard failure.code == .unavailable else {
            phase = .ended(.blocked(reason: failure.reason))
            return nil
        }
        return outage(after: nil, failure.reason, draw)
    }

    package mutating func rowsRead(_ ids: [Int64], reachedEnd: Bool) {
        self.ids = ids
        rest = ids.indices
        isLastPortion = reachedEnd || ids.isEmpty || ids.last == plan.through
        goOn()
    }

    package mutating func waited() { phase = isOpen ? .delivering : .opening }

    /// The delivery of the last step is over.
    ///
    /// - Parameters:
    ///   - answers: the sink's, in order; what has none is not delivered.
    ///   - draw: a random number; every value is allowed.
    package mutating func delivered(_ answers: [SinkAnswer], draw: UInt64) -> [ReplayNote] {
        var notes: [ReplayNote] = []
        var failure: DeliveryOutcome?
        for answer in answers {
            guard answer.outcome == .delivered else {
                failure = answer.outcome
                break
            }
            deliveredCount += pass(answer.count)
            if attempt > 0 { notes.append(recovered()) }
        }
        // A sink that was not cancelled owes an answer: not at once again.
        if answers.isEmpty, !isStopping { failure = .retry(after: nil, reason: "the sink gave no answer") }
        switch failure {
        case .retry(let after, let reason): outage(after: after, reason, draw).map { notes.append($0) }
        case .rejected(let reason): rejected(reason).map { notes.append($0) }
        case .blocked(let reason): phase = .ended(.blocked(reason: reason))
        case .closed(let reason): phase = .ended(.closed(reason: reason))
        case .delivered, nil: goOn()
        }
        return notes
    }

    private mutating func rejected(_ reason: String) -> ReplayNote? {
        guard let first = rest.first else { return nil }
        let id = ids[first]
        guard plan.passesRejected else {
            phase = .ended(.rejected(id: id, reason: reason))
            return nil
        }
        rejectedCount += pass(1)
        goOn()
        return .rejected(id: id, reason: reason)
    }

    /// - Returns: how many rows are passed.
    private mutating func pass(_ count: Int) -> Int {
        let passed = rest.prefix(count)
        rest = rest.dropFirst(count)
        if let index = passed.last { last = ids[index] }
        return passed.count
    }

    private mutating func goOn() {
        if !rest.isEmpty {
            phase = .delivering
        } else if isLastPortion {
            phase = .ended(.done)
        } else {
            phase = .reading
        }
    }

    private mutating func recovered() -> ReplayNote {
        attempt = 0
        return .recovered
    }

    private mutating func outage(after: Duration?, _ reason: String, _ draw: UInt64) -> ReplayNote? {
        attempt += 1
        phase = .waiting(max(plan.retry.delay(attempt: attempt, draw: draw), after?.pauseMilliseconds ?? 0))
        return attempt == 1 ? .outage(reason: reason) : nil
    }
}
