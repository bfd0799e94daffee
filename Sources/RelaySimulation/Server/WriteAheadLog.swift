import RelayCore

/// A change that a transaction commits.
struct Change {
    /// Rows that it inserts into the unpublished leaf: what the stream brings.
    var rows: [Row] = []
    /// Rows that it moves to the published leaf.
    var published: [Int64] = []
    /// It waited for no standby: a failover may take it back though everybody has seen it.
    var isLocal = false
    var apply: (inout ServerTables) -> Void
}

/// The server's log: what is in it and flushed outlives a crash, what a replica has of it outlives the server.
struct WriteAheadLog {
    enum Record {
        /// Ids up to here count as drawn once somebody recovers from this log.
        case sequence(Int64)
        case change(Change)
    }

    private(set) var records: [Record] = []
    /// Records before this one are flushed.
    private(set) var flushed = 0
    /// Records before this one are with the replica.
    private(set) var replicated = 0
    /// Which of the changes everybody sees.
    private(set) var isVisible: [Bool] = []

    /// - Returns: the record's place.
    @discardableResult
    mutating func append(_ record: Record) -> Int {
        records.append(record)
        isVisible.append(false)
        return records.count - 1
    }

    mutating func flush() { flushed = records.count }

    /// The replica has received one record more, of those that are flushed.
    mutating func replicateOne() -> Record? {
        guard replicated < flushed else { return nil }
        replicated += 1
        return records[replicated - 1]
    }

    mutating func show(_ place: Int) { isVisible[place] = true }

    /// A crash: what was not flushed is gone. The flushed changes that nobody had seen yet.
    mutating func recover() -> [Int] {
        truncate(to: flushed)
        return records.indices.filter { index in
            if case .change = records[index] { !isVisible[index] } else { false }
        }
    }

    /// The replica takes over: what it lacks is gone, and what it has is there for all to see.
    ///
    /// - Returns: the changes that somebody had seen and that are lost, and those that nobody had seen so far.
    mutating func promote() -> (lost: [Change], shown: [Change]) {
        let lost = records.indices.dropFirst(replicated).compactMap { index -> Change? in
            if case .change(let change) = records[index], isVisible[index] { change } else { nil }
        }
        truncate(to: replicated)
        let shown = records.indices.compactMap { index -> Change? in
            guard case .change(let change) = records[index], !isVisible[index] else { return nil }
            isVisible[index] = true
            return change
        }
        return (lost, shown)
    }

    private mutating func truncate(to count: Int) {
        records.removeLast(records.count - count)
        isVisible.removeLast(isVisible.count - count)
        flushed = count
        replicated = min(replicated, count)
    }
}

/// The outbox's sequence. It logs ahead of what is drawn, so that a crash skips ids, or takes back those whose record
/// was not flushed (PostgreSQL, `nextval_internal` and `seq_redo` in sequence.c).
struct OutboxSequence {
    var last: Int64 = 0
    private var loggedThrough: Int64 = 0

    /// - Returns: the id, and how far the log is to say that ids are drawn, where it must say so anew.
    mutating func draw(ahead: Int64) -> (id: Int64, record: Int64?) {
        last += 1
        guard last > loggedThrough else { return (last, nil) }
        loggedThrough = last + ahead
        return (last, loggedThrough)
    }

    /// Somebody restarts it, or a server recovers: ids above `value` are to come.
    mutating func restart(after value: Int64) {
        last = value
        loggedThrough = value
    }
}
