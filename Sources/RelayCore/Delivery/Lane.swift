/// One sink's way through the log: its cursor, what it was handed, what of that is done, and how it fares.
///
/// A lane takes rows in ascending id from the live tail that all share, or from the table while it lacks what the tail
/// has passed. What it has done stays here until a settlement has written it.
///
/// What each step asks of each lane is inlined (`@inline(__always)`): it looks at the fields where they are, while a call
/// would copy the whole lane first. `make bench-check` counts what that costs.
package struct Lane: Hashable, Sendable {
    /// Where the lane's rows come from.
    package enum Place: Hashable, Sendable {
        /// Reads the table, unclaimed, as far as it is closed. Exits: `meeting`, `tail`.
        case reading
        /// Lacks little: the tail waits for one read of this lane, so that the two can meet. Exits: `tail`, `reading`.
        case meeting
        /// Lives from the tail alone. Exit: `reading`, at an outage or when it is furthest behind in a full buffer.
        case tail
    }

    /// How the lane was done with a row.
    package enum Fate: Hashable, Sendable {
        case delivered
        /// Without being delivered: the sink was to begin above it, or is being removed.
        case passed
        case parked
    }

    /// A row that the lane is done with and no settlement has written.
    package struct Done: Hashable, Sendable {
        package var id: Int64
        package var mark: RowMark
        package var fate: Fate
    }

    /// A read of the table that is under way.
    package struct AwaitedRead: Hashable, Sendable {
        /// The rows asked for are above this and at or below `through`.
        package var after: Int64
        package var through: Int64
        /// The horizon when it was sent.
        package var closedWhenSent: Int64
        /// Sent under an older registration: what it brings counts for nothing.
        package var isStale = false
    }

    package var registration: SinkRegistration
    /// False for a lane that only passes (a removed sink).
    package var isConfigured: Bool
    package let policy: LanePolicy
    package var place: Place = .reading
    package internal(set) var health = SinkHealth.well
    package internal(set) var opening = SinkOpening.shut
    /// The id of the last row that the lane was handed, in order, or its cursor.
    package var position: Int64
    /// Rows of the tail or of a table read that wait to be sent, ascending.
    package var queue = RowQueue()
    /// With order by id the rows in turn; with either order those out of turn.
    package internal(set) var inFlight: InFlight?
    /// The batches of what is in flight.
    var flying = BatchUses()
    /// With order by key the rows in turn.
    package var keyed: KeyedWindow?
    /// With order by key: why what goes out of turn waits. The others do not wait for it, nor it for them.
    var outOfTurn: KeyedWindow.Failure?
    /// Ascending; all above the cursor.
    package var done: [Done] = []
    /// Why rows of `done`, and owed ones, were parked.
    package var parkings: [Int64: Parking] = [:]
    /// Of `onReject: parkKey`: the keys that are parked, and the lowest parked event of each.
    package var parkedKeys: [EventKey: Int64] = [:]
    /// An event of `parkings` that the database cannot take: the lane waits at it, and it is tried again now and then.
    var unparked: UnparkedEvent?
    var nextParking: Int64 = 0
    /// The keys of what is parked and not settled: a list that was read before does not hold them.
    package var parkedUnsettled: [Int64: EventKey] = [:]
    /// Rows below the cursor that the sink has not had.
    package var owed = OwedToLane()
    /// Nothing that is to be passed stands at or below, as a read has shown: what stood there may have been deleted.
    var passedThrough: Int64 = .min
    /// The read of the table for this lane that is under way.
    package var awaitedRows: AwaitedRead?
    /// Lacks little: its next read is made while the tail waits.
    package var isAboutToMeet = false
    /// Not before (milliseconds): the last read brought nothing.
    package var nextRead: Int64 = 0
    /// Not before (milliseconds): some of the owed rows could not be read, or the read of them failed.
    var nextOwedRead: Int64 = 0
    /// Not before (milliseconds): the read of parked events failed.
    var nextParkedRead: Int64 = 0
    /// Those that could not be read when they were asked for last.
    var owedFaults: Set<Int64> = []
    /// The row at which its reads end, since it cannot be read.
    var fault: RowFault?
    /// The owed rows that a read under way asks for.
    package var awaitedOwed: [Int64]?
    /// Parked events that somebody wants tried again, ascending.
    package var parkedToRetry: [Int64] = []
    /// What became of those that were tried.
    package var parkedOutcomes: [ParkedOutcome] = []
    /// The parked events that a read under way asks for.
    package var awaitedParked: [Int64]?

    package init(_ registration: SinkRegistration, isConfigured: Bool, policy: LanePolicy = LanePolicy()) {
        self.registration = registration
        self.isConfigured = isConfigured
        self.policy = policy
        position = registration.cursor
        if case .key(let concurrency, let batch) = policy.order {
            keyed = KeyedWindow(concurrency: concurrency, batch: batch)
        }
    }

    package var name: String { registration.name }
    package var isOnTail: Bool { place == .tail }

    var readsUnderWay: Int {
        (awaitedRows == nil ? 0 : 1) + (awaitedOwed == nil ? 0 : 1) + (awaitedParked == nil ? 0 : 1)
    }

    /// Handed to the sink, or done, and not settled, or asked for out of turn: what a crash may repeat.
    @inline(__always) package var unsettled: Int {
        done.count + (keyed?.count ?? 0) + (inFlight?.count ?? 0) - (inFlight?.answered ?? 0)
            + owed.done.count + parkedOutcomes.count + (awaitedOwed?.count ?? 0)
            + (awaitedParked?.count ?? 0)
    }

    /// Owed rows, or parked ones, wait for room in the window.
    @inline(__always) var waitsOutOfTurn: Bool { !parkedToRetry.isEmpty || !owed.waiting.isEmpty }

    /// Rows in turn that the sink has, or may have, and that no settlement has written; ascending.
    var leftRows: [DeliveredRow] {
        done.lazy.filter { $0.fate != .passed }.map { DeliveredRow(id: $0.id, mark: $0.mark) }
            + (inFlight?.leftRows ?? []) + (keyed?.leftRows ?? [])
    }

    @inline(__always) private var hasFlight: Bool { if case .some = inFlight { true } else { false } }

    /// Something is with the sink.
    @inline(__always) package var isSending: Bool { hasFlight || keyed?.flights.isEmpty == false }

    /// Nothing waits, nothing is with the sink.
    @inline(__always) package var isIdle: Bool { queue.isEmpty && inFlight == nil && keyed?.isEmpty ?? true }

    /// Rows wait, and none is with the sink: only a settlement makes room in the window.
    @inline(__always) package var isWaitingForRoom: Bool {
        if case .well = health { !isSending && !queue.isEmpty && !done.isEmpty } else { false }
    }

    /// There is something to settle.
    @inline(__always) func hasNews(at now: Int64) -> Bool {
        guard let unparked, now < nextParking else {
            return !done.isEmpty || !owed.done.isEmpty || !parkedOutcomes.isEmpty
        }
        return (done.first.map { $0.id < unparked.id } ?? false)
            || owed.done.contains { $0 != unparked.id } || !parkedOutcomes.isEmpty
    }

    /// How the lane fares, a failing key included.
    package var reportedHealth: SinkHealth {
        if let unparked { return .blocked(id: unparked.id, until: nextParking, reason: unparked.parkingReason) }
        let failures = [outOfTurn, keyed?.worstFailure].compactMap(\.self)
        guard health == .well, let failure = failures.first(where: { $0.rejected != nil }) ?? failures.first else {
            return health
        }
        if let id = failure.rejected { return .blocked(id: id, until: failure.until, reason: failure.reason) }
        return .retrying(attempt: failure.attempt, until: failure.until, reason: failure.reason)
    }

    /// The rows up to which the lane passes without delivering.
    package var passesThrough: Int64? { registration.isRemoving ? Int64.max : registration.passThrough }

    /// Some of them may still be to come.
    var isPassing: Bool { passesThrough.map { position < $0 && passedThrough < $0 } ?? false }

    /// Everything that was handed over is settled, and nothing is owed.
    package var isSettled: Bool { isIdle && done.isEmpty && owed.isEmpty && !owed.isMore && parkedOutcomes.isEmpty }

    /// The last id that has left the queue, or is over: whatever comes next is above. A flight of an earlier registration
    /// says nothing about this one.
    package var lastHanded: Int64 {
        let flying = inFlight.flatMap { $0.turn == .ordered && !$0.isStale ? $0.slices.last?.ids.last : nil }
        return max(done.last?.id ?? registration.cursor, flying ?? keyed?.lastTaken ?? registration.cursor)
    }

    /// Takes rows of the tail, or of a read, that the lane has not been handed yet.
    package mutating func enqueue(_ slice: RowSlice) {
        guard let rest = slice.above(position), let last = rest.ids.last else { return }
        queue.append(rest)
        position = last
    }

    /// Drops what was read and not handed over: its place is the last row that the sink may hold.
    package mutating func dropQueue() {
        queue.removeAll()
        position = lastHanded
    }

    /// What the lane brings to a settlement.
    ///
    /// - Parameter triesStuck: with those that could not move; a settlement that failed for one takes long.
    package func progress(triesStuck: Bool, at now: Int64) -> LaneProgress {
        var done = done
        var owedDone = Array(owed.done)
        if let unparked, now < nextParking {
            done.removeAll { $0.id >= unparked.id }
            owedDone.removeAll { $0 == unparked.id }
        }
        if triesStuck { owedDone += owed.stuck.sorted().prefix(Self.stuckAtOnce) }
        return LaneProgress(
            sink: name, generation: registration.generation, done: done.map(\.id),
            endsPassed: done.last?.fate == .passed, owedDone: owedDone.sorted(),
            parked: parkings.values.sorted { $0.id < $1.id }, parkedOutcomes: parkedOutcomes,
            passedThrough: registration.isRemoving && done.isEmpty ? passedThrough : .min)
    }

    private static let stuckAtOnce = 100

    /// A settlement wrote the row anew: what it covers is no longer held here.
    package mutating func settled(_ row: SinkRegistration) {
        registration = row
        if let first = done.first, first.id <= row.cursor {
            done.removeFirst(done.firstIndex { $0.id > row.cursor } ?? done.count)
        }
        position = max(position, row.cursor)
        if !parkings.isEmpty { forgetSettledParkings() }
    }

    private mutating func forgetSettledParkings() {
        for id in parkings.keys where id <= registration.cursor && !owed.done.contains(id) {
            parkings[id] = nil
            parkedUnsettled[id] = nil
        }
    }

    /// The registration is new, or nobody knows what happened meanwhile: begin at its cursor.
    package mutating func restart(_ row: SinkRegistration, keeping: Bool) {
        queue.removeAll()
        registration = row
        place = .reading
        passedThrough = .min
        awaitedRows?.isStale = true
        if awaitedOwed != nil { awaitedOwed = [] }
        parkedToRetry = []
        if awaitedParked != nil { awaitedParked = [] }
        if keeping {
            done.removeAll { $0.id <= row.cursor }
            position = max(row.cursor, lastHanded)
        } else {
            done = []
            owed = OwedToLane()
            parkings = [:]
            unparked = nil
            parkedUnsettled = [:]
            parkedOutcomes = []
            isAboutToMeet = false
            inFlight?.isStale = true
            outOfTurn = nil
            keyed?.forget()
            position = row.cursor
        }
    }

    /// Deliveries that count for nothing any more are under way.
    var hasStaleFlights: Bool { inFlight?.isStale == true || keyed?.hasStaleFlights == true }

    /// The sessions were lost: what was read and not handed over is dropped.
    package mutating func loseSessions() {
        keyed?.restart()
        outOfTurn = nil
        dropQueue()
        place = .reading
        passedThrough = .min
        awaitedRows = nil
        awaitedOwed = nil
        awaitedParked = nil
        parkedToRetry = []
    }
}
