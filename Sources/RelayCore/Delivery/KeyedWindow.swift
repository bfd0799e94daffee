/// The rows of a lane with order by key that have left its queue: those of one key go out one after the other, those of
/// different keys side by side. A key that fails holds back its own rows and nobody else's.
///
/// Rows stand here from when they are taken off the queue until everything before them is over; then they are done.
package struct KeyedWindow: Hashable, Sendable {
    struct Row: Hashable, Sendable {
        var id: Int64
        var mark: RowMark
        var key: EventKey
        /// Nil once it is over: its batch need not be kept for it.
        var token: BatchToken?
        var offset: Int
        var state: State
    }

    enum State: Hashable, Sendable {
        case waiting
        /// With the sink, in the flight of this number.
        case flying(Int)
        /// The lane is done with it, and not yet with all that is before it.
        case over(Lane.Fate)
    }

    /// Rows that are with the sink together.
    struct Flight: Hashable, Sendable {
        var ids: [Int64]
        var answered = 0
        /// Something but `delivered` was answered.
        var hasFailed = false
        /// Sent under an older registration: its answers count for nothing.
        var isStale = false
        /// Sent before the sessions were lost: rows it leaves unanswered are read anew.
        var isOld = false
    }

    /// Why a key waits.
    struct Failure: Hashable, Sendable {
        var attempt: Int
        /// Milliseconds.
        var until: Int64
        var reason: String
        /// The row that the sink will never accept; nil for an outage.
        var rejected: Int64?

        /// The time set back by `now`, for an exploration.
        mutating func foldClock(_ now: Int64) {
            until = max(0, until - now)
            attempt = min(attempt, 1)
        }
    }

    let concurrency: Int
    let batch: Int
    /// Ascending in id.
    private(set) var rows: [Row] = []
    /// The batches of the rows that are not over.
    private(set) var uses = BatchUses()
    private(set) var flights: [Int: Flight] = [:]
    private(set) var failing: [EventKey: Failure] = [:]
    /// Over before the sessions were lost, behind something that was not: not sent again when they are read again.
    private(set) var ahead: [Int64: Lane.Done] = [:]
    /// Every key fails: the far side is down. The first success makes all try again at once.
    private var isDown = false

    init(concurrency: Int, batch: Int) {
        self.concurrency = max(1, concurrency)
        self.batch = max(1, batch)
    }

    var isEmpty: Bool { rows.isEmpty && flights.isEmpty }
    /// How many rows the sink may hold, or that wait for it. Those ahead count once they are read again: all of them may be
    /// over, and only a read takes them in.
    var count: Int { rows.count }
    /// Flights of an earlier tenure or registration are still under way: nothing may start beside them.
    var isWindingDown: Bool { flights.values.contains { $0.isStale || $0.isOld } }

    var hasStaleFlights: Bool { flights.values.contains(where: \.isStale) }
    /// The last row that stands here; nil where there is none, or rows between them are to be read anew.
    var lastTaken: Int64? { isWindingDown ? nil : rows.last?.id }

    // MARK: - In

    /// Takes rows off the lane's queue; they are above all that stand here.
    mutating func take(_ slices: [RowSlice]) {
        for slice in slices {
            for (index, id) in slice.ids.enumerated() {
                let row = Row(
                    id: id, mark: slice.marks[index],
                    key: index < slice.keys.count ? slice.keys[index] : EventKey(hash: 0),
                    token: slice.token, offset: slice.offset + index, state: .waiting)
                uses.add(row.token)
                rows.append(row)
                if let done = ahead.removeValue(forKey: id) { end(rows.count - 1, done.fate) }
            }
        }
        // What was over and did not come again was deleted.
        if let last = rows.last?.id { ahead = ahead.filter { $0.key > last } }
    }

    /// Parks the waiting rows whose keys are parked; they are over once what is before them is.
    mutating func park(_ keys: [EventKey: Int64]) -> [Parking] {
        guard !keys.isEmpty else { return [] }
        var parked: [Parking] = []
        for index in rows.indices where rows[index].state == .waiting {
            // As with order by id: the parked event itself, and those before it, may come again.
            guard let head = keys[rows[index].key], head < rows[index].id else { continue }
            end(index, .parked)
            parked.append(Parking(id: rows[index].id, behind: head))
        }
        return parked
    }

    /// Parks the waiting rows that somebody wants parked; their keys are free then.
    mutating func park(requested ids: Set<Int64>) -> [Parking] {
        guard !ids.isEmpty else { return [] }
        var parked: [Parking] = []
        for index in rows.indices where rows[index].state == .waiting && ids.contains(rows[index].id) {
            if failing[rows[index].key]?.rejected == rows[index].id { failing[rows[index].key] = nil }
            end(index, .parked)
            parked.append(Parking(requested: rows[index].id))
        }
        return parked
    }

    // MARK: - Out

    /// The next rows to send, and the number of their flight; nil where every key is busy, fails, or has nothing.
    mutating func next(at now: Int64) -> (flight: Int, slices: [RowSlice])? {
        guard flights.count < concurrency, !isWindingDown else { return nil }
        var busy = busyKeys()
        var chosen: [Int] = []
        for index in rows.indices where rows[index].state == .waiting {
            let key = rows[index].key
            guard !busy.contains(key) else { continue }
            if let failure = failing[key] {
                // One row tells whether the key works again.
                busy.insert(key)
                guard now >= failure.until else { continue }
            }
            chosen.append(index)
            if chosen.count == batch { break }
        }
        guard !chosen.isEmpty else { return nil }
        let number = (1...concurrency).first { flights[$0] == nil } ?? concurrency
        for index in chosen { rows[index].state = .flying(number) }
        flights[number] = Flight(ids: chosen.map { rows[$0].id })
        return (number, slices(chosen))
    }

    private func busyKeys() -> Set<EventKey> {
        var busy = Set<EventKey>()
        for flight in flights.values {
            for id in flight.ids { if let index = index(of: id) { busy.insert(rows[index].key) } }
        }
        return busy
    }

    private func slices(_ chosen: [Int]) -> [RowSlice] {
        var result: [RowSlice] = []
        for index in chosen {
            let row = rows[index]
            if var last = result.last, last.token == row.token, last.offset + last.count == row.offset {
                last.ids.append(row.id)
                last.marks.append(row.mark)
                last.keys.append(row.key)
                result[result.count - 1] = last
            } else {
                result.append(
                    RowSlice(
                        token: row.token, offset: row.offset, ids: [row.id], marks: [row.mark],
                        keys: [row.key]))
            }
        }
        return result
    }

    // MARK: - Answers

    /// The next `count` rows of a flight are over.
    mutating func finished(_ number: Int, _ count: Int, _ fate: Lane.Fate, at now: Int64) {
        guard var flight = flights[number] else { return }
        let from = flight.answered
        flight.answered = min(from + count, flight.ids.count)
        flights[number] = flight
        if fate == .parked { flights[number]?.hasFailed = true }
        guard !flight.isStale else { return }
        for id in flight.ids[from..<flight.answered] {
            guard let index = index(of: id) else { continue }
            end(index, fate)
            failing[rows[index].key] = nil
        }
        guard isDown, fate == .delivered, flight.answered > from else { return }
        isDown = false
        for key in failing.keys where failing[key]?.rejected == nil { failing[key]?.until = now }
    }

    /// The row that the next answer of a flight speaks of, and its key.
    func firstUnanswered(_ number: Int) -> (id: Int64, key: EventKey)? {
        guard let flight = flights[number], flight.answered < flight.ids.count,
            let index = index(of: flight.ids[flight.answered])
        else { return nil }
        return (rows[index].id, rows[index].key)
    }

    /// How often the next row's key has failed in a row.
    func attempts(_ number: Int) -> Int { firstUnanswered(number).flatMap { failing[$0.key]?.attempt } ?? 0 }

    /// The keys of the rows that have no answer wait; a rejection speaks of the first row alone.
    mutating func failed(_ number: Int, _ failure: Failure) {
        guard var flight = flights[number], !flight.isStale else { return }
        flight.hasFailed = true
        flights[number] = flight
        let unanswered = flight.ids[flight.answered...]
        for id in failure.rejected == nil ? unanswered : unanswered.prefix(1) {
            if let index = index(of: id) { failing[rows[index].key] = failure }
        }
    }

    /// A flight is over; rows without an answer wait again, those of an earlier tenure are read anew.
    ///
    /// - Returns: whether it left rows unanswered without saying why.
    mutating func ended(_ number: Int) -> Bool {
        guard let flight = flights.removeValue(forKey: number) else { return false }
        if flight.isStale {
            remove { flight.ids.contains($0.id) }
            return false
        }
        for id in flight.ids[flight.answered...] {
            guard let index = index(of: id) else { continue }
            if flight.isOld { uses.remove(rows.remove(at: index).token) } else { rows[index].state = .waiting }
        }
        if flight.isOld, flights.isEmpty { rememberWhatIsOver() }
        let isSilent = flight.answered < flight.ids.count && !flight.hasFailed && !flight.isOld
        let hasRoom = rows.contains { $0.state == .waiting && failing[$0.key] == nil }
        if flights.isEmpty, failing.count > 1, !hasRoom { isDown = true }
        return isSilent
    }

    /// Takes off the rows at the front that are over. Not while it winds down: rows between them are to be read anew.
    mutating func takeFinished() -> [Lane.Done] {
        guard !isWindingDown else { return [] }
        var taken: [Lane.Done] = []
        while taken.count < rows.count, case .over(let fate) = rows[taken.count].state {
            let row = rows[taken.count]
            taken.append(Lane.Done(id: row.id, mark: row.mark, fate: fate))
        }
        rows.removeFirst(taken.count)
        return taken
    }

    /// A key waits though nobody said why.
    mutating func pause(_ key: EventKey, until: Int64, reason: String) {
        failing[key] = Failure(attempt: 1, until: until, reason: reason, rejected: nil)
    }

    /// Whether this row is known to be rejected.
    func isRejected(_ id: Int64) -> Bool { failing.values.contains { $0.rejected == id } }

    func key(of id: Int64) -> EventKey? { index(of: id).map { rows[$0].key } }

    /// The memory of the batches that hold these rows.
    func bytes(in memory: BatchMemory) -> Int {
        uses.tokens.reduce(0) { $0 + memory.bytes(of: $1) }
    }

    // MARK: - Ends

    /// The sessions were lost: what is over is remembered, what waits is read anew, what flies comes to its end.
    mutating func restart() {
        for number in flights.keys { flights[number]?.isOld = true }
        remove { $0.state == .waiting }
        failing = [:]
        isDown = false
        if flights.isEmpty { rememberWhatIsOver() }
    }

    /// The registration is new: nothing of the old one counts.
    mutating func forget() {
        for number in flights.keys { flights[number]?.isStale = true }
        remove { if case .flying = $0.state { false } else { true } }
        ahead = [:]
        failing = [:]
        isDown = false
    }

    private mutating func rememberWhatIsOver() {
        for row in rows {
            guard case .over(let fate) = row.state else { continue }
            ahead[row.id] = Lane.Done(id: row.id, mark: row.mark, fate: fate)
        }
        remove { _ in true }
    }

    private mutating func end(_ index: Int, _ fate: Lane.Fate) {
        uses.remove(rows[index].token)
        rows[index].token = nil
        rows[index].state = .over(fate)
    }

    private mutating func remove(where isMeant: (Row) -> Bool) {
        for row in rows where isMeant(row) { uses.remove(row.token) }
        rows.removeAll(where: isMeant)
    }

    mutating func takeLeft() -> [BatchToken] { uses.takeLeft() }

    /// Rows that the sink has and no settlement has written, with those that it may have; ascending.
    var leftRows: [DeliveredRow] {
        let left = rows.lazy.filter { row in
            switch row.state {
            case .waiting: false
            case .flying(let flight): flights[flight]?.isStale == false
            case .over: true
            }
        }
        let result =
            left.map { DeliveredRow(id: $0.id, mark: $0.mark) }
            + ahead.values.map { DeliveredRow(id: $0.id, mark: $0.mark) }
        return result.sorted { $0.id < $1.id }
    }

    /// The failure that a person should hear of first: a rejection before an outage, the lowest row first.
    var worstFailure: Failure? {
        rows.lazy.compactMap { failing[$0.key] }.first { $0.rejected != nil }
            ?? rows.lazy.compactMap { failing[$0.key] }.first
    }

    /// When the next key may be tried again (milliseconds).
    @inline(__always) var nextTry: Int64? { failing.values.lazy.map(\.until).min() }

    /// The times set back by `now`, for an exploration.
    mutating func foldClock(_ now: Int64) {
        for key in failing.keys { failing[key]?.foldClock(now) }
    }

    /// The state in a few words, for whoever reads a schedule.
    var summary: String { "\(rows.map { "\($0.id) \($0.state)" }), ahead \(ahead.keys.sorted())" }

    private func index(of id: Int64) -> Int? {
        var low = 0
        var high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < rows.count && rows[low].id == id ? low : nil
    }
}
