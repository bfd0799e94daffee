/// One sink's way through the log: its cursor, what it was handed, what of that is done, and how it fares.
///
/// A lane takes rows in ascending id from the live tail that all share, or from the table while it lacks what the tail
/// has passed. What it has done stays here until a settlement has written it.
package struct Lane: Hashable, Sendable {
    /// Where the lane's rows come from.
    package enum Place: Hashable, Sendable {
        /// Reads the table, unclaimed, as far as it is settled. Exits: `meeting`, `tail`.
        case reading
        /// Lacks little: the tail waits for one read of this lane, so that the two can meet. Exits: `tail`, `reading`.
        case meeting
        /// Lives from the tail alone. Exit: `reading`, at an outage or when it is furthest behind in a full buffer.
        case tail
    }

    /// What the sink last said.
    package enum Health: Hashable, Sendable {
        case well
        /// An outage: the sink is tried again at `until` (milliseconds).
        case retrying(attempt: Int, until: Int64, reason: String)
        /// The event `id` will never be accepted, and nobody has said to park it.
        case blocked(id: Int64, until: Int64, reason: String)
        /// The sink is gone for good.
        case closed(reason: String)
    }

    /// A row that the lane is done with and no settlement has written.
    package struct Done: Hashable, Sendable {
        package var id: Int64
        package var createdAt: Int64
        /// Passed without being delivered.
        package var isPassed: Bool
    }

    /// Rows that are with the sink.
    package struct InFlight: Hashable, Sendable {
        package var slices: [RowSlice]
        /// How many of them the sink has answered for.
        package var answered = 0
        /// Owed rows, out of turn.
        package var isLate: Bool
        /// Sent under an older registration: its answers count for nothing.
        package var isStale = false

        package var count: Int { slices.reduce(0) { $0 + $1.count } }

        package init(slices: [RowSlice], isLate: Bool) {
            self.slices = slices
            self.isLate = isLate
        }
    }

    /// A read of the table that is under way.
    package struct AwaitedRead: Hashable, Sendable {
        /// The rows asked for are above this and at or below `through`.
        package var after: Int64
        package var through: Int64
        /// The horizon that was known when it was sent.
        package var known: Int64
        /// Sent under an older registration: what it brings counts for nothing.
        package var isStale = false
    }

    package var registration: SinkRegistration
    /// Nil for a lane that only passes (a removed sink).
    package var isConfigured: Bool
    package var place: Place = .reading
    package var health: Health = .well
    /// The id of the last row that the lane was handed, in order, or its cursor.
    package var position: Int64
    /// Rows of the tail or of a table read that wait to be sent, ascending.
    package var queue: [RowSlice] = []
    package var queued = 0
    package var inFlight: InFlight?
    /// Ascending; all above the cursor.
    package var done: [Done] = []
    /// Owed rows: false while they wait, true once delivered.
    package var late: [Int64: Bool] = [:]
    /// Owed rows that were delivered, as a settlement has written, but could not move: tried again now and then.
    package var stuck: Set<Int64> = []
    /// The read of the table for this lane that is under way.
    package var awaitedRows: AwaitedRead?
    /// Lacks little: its next read is made while the tail waits.
    package var isAboutToMeet = false
    /// Not before (milliseconds): the last read brought nothing.
    package var nextRead: Int64 = 0
    /// The owed rows that a read under way asks for.
    package var awaitedLate: [Int64]?

    package init(_ registration: SinkRegistration, isConfigured: Bool) {
        self.registration = registration
        self.isConfigured = isConfigured
        position = registration.cursor
    }

    package var name: String { registration.name }
    package var isOnTail: Bool { place == .tail }

    /// Handed to the sink, or done, and not settled: what a crash may repeat.
    package var unsettled: Int { done.count + (inFlight?.count ?? 0) - (inFlight?.answered ?? 0) }

    /// Nothing waits, nothing is with the sink.
    package var isIdle: Bool { queue.isEmpty && inFlight == nil }

    /// Rows wait, and none is with the sink: only a settlement makes room in the window.
    package var isWaitingForRoom: Bool { inFlight == nil && !queue.isEmpty && !done.isEmpty && health == .well }

    /// The rows up to which the lane passes without delivering.
    package var passesThrough: Int64? { registration.isRemoving ? Int64.max : registration.passThrough }

    /// Everything that was handed over is settled, and nothing is owed.
    package var isSettled: Bool { isIdle && done.isEmpty && late.isEmpty }

    /// The last id of which the sink may hold something.
    package var lastHanded: Int64 {
        max(done.last?.id ?? registration.cursor, inFlight.flatMap { $0.isLate ? nil : $0.slices.last?.ids.last } ?? 0)
    }

    /// Takes rows of the tail, or of a read, that the lane has not been handed yet.
    package mutating func enqueue(_ slice: RowSlice) {
        guard let rest = slice.above(position), let last = rest.ids.last else { return }
        queue.append(rest)
        queued += rest.count
        position = last
    }

    /// Drops what was read and not handed over: its place is the last row that the sink may hold.
    package mutating func dropQueue() -> [RowSlice] {
        let dropped = queue
        queue = []
        queued = 0
        position = lastHanded
        return dropped
    }

    /// Takes up to `room` rows off the queue, to be sent together.
    package mutating func take(_ room: Int) -> [RowSlice] {
        var taken: [RowSlice] = []
        var left = room
        var used = 0
        while left > 0, used < queue.count {
            let slice = queue[used]
            if slice.count <= left {
                taken.append(slice)
                left -= slice.count
                used += 1
            } else {
                taken.append(slice.prefix(left))
                queue[used] = slice.dropping(left)
                left = 0
            }
        }
        queue.removeFirst(used)
        queued -= room - left
        return taken
    }

    /// The sink has answered for the next `count` rows: they are delivered.
    package mutating func delivered(_ count: Int) {
        guard var flight = inFlight else { return }
        let from = flight.answered
        flight.answered = min(flight.answered + count, flight.count)
        inFlight = flight
        guard !flight.isStale else { return }
        var index = 0
        for slice in flight.slices {
            for (position, id) in slice.ids.enumerated() {
                defer { index += 1 }
                guard index >= from, index < flight.answered else { continue }
                if flight.isLate {
                    late[id] = true
                } else {
                    done.append(Done(id: id, createdAt: slice.createdAt[position], isPassed: false))
                }
            }
        }
        if !flight.isLate || from < flight.answered { health = .well }
    }

    /// The first row in flight that has no answer.
    package var firstUnanswered: Int64? {
        guard let flight = inFlight else { return nil }
        var left = flight.answered
        for slice in flight.slices {
            if left < slice.count { return slice.ids[left] }
            left -= slice.count
        }
        return nil
    }

    /// What the lane brings to a settlement.
    package func progress(settledThrough: Int64) -> LaneProgress {
        LaneProgress(
            sink: name, generation: registration.generation, done: done.map(\.id),
            endsPassed: done.last?.isPassed ?? false,
            lateDone: stuck.union(late.filter(\.value).keys).sorted(), settledThrough: settledThrough)
    }

    /// A settlement wrote the row anew: what it covers is no longer held here.
    package mutating func settled(_ row: SinkRegistration, late entries: [LateEntry]?) {
        registration = row
        if let first = done.first, first.id <= row.cursor {
            done.removeFirst(done.firstIndex { $0.id > row.cursor } ?? done.count)
        }
        position = max(position, row.cursor)
        if let entries { takeLate(entries) }
    }

    /// The owed rows as the table has them; those that were delivered and not settled stay so.
    package mutating func takeLate(_ entries: [LateEntry]) {
        var next: [Int64: Bool] = [:]
        stuck = []
        for entry in entries where entry.sink == name {
            if entry.isDelivered { stuck.insert(entry.id) } else { next[entry.id] = late[entry.id] ?? false }
        }
        late = next
    }

    /// The registration is new, or nobody knows what happened meanwhile: begin at its cursor.
    package mutating func restart(_ row: SinkRegistration, keeping: Bool) -> [RowSlice] {
        let dropped = queue
        queue = []
        queued = 0
        registration = row
        place = .reading
        awaitedRows?.isStale = true
        if awaitedLate != nil { awaitedLate = [] }
        if keeping {
            done.removeAll { $0.id <= row.cursor }
            position = max(row.cursor, lastHanded)
        } else {
            done = []
            late = [:]
            stuck = []
            isAboutToMeet = false
            inFlight?.isStale = true
            position = row.cursor
        }
        return dropped
    }
}
