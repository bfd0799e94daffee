import RelayCore

/// A change that a transaction commits.
struct Change {
    /// What becomes of the transaction with this record.
    enum End {
        /// Nothing yet: it is prepared.
        case open
        case committed, aborted
    }

    /// Who changes; nil where nobody asks for it.
    var transaction: UInt32?
    var end = End.committed
    /// Rows that it inserts, or writes anew.
    var rows: [Row] = []
    /// Ids that it inserted into the unpublished leaf, whatever became of them: what the stream brings.
    var announced: [Int64] = []
    /// Rows whose mark it undoes.
    var undone: [DeliveredRow] = []
    /// Rows that it deletes.
    var deleted: [DeliveredRow] = []
    /// Rows that it moves to the published leaf.
    var published: [Int64] = []
    /// Where it puts a sink.
    var placement: SinkPlacement?
    /// It waited for no standby: a failover may take it back though everybody has seen it.
    var isLocal = false
    /// It does not wait until it is flushed: `synchronous_commit = off`.
    var isUnflushed = false
    var apply: (inout ServerTables) -> Void

    func perform(on tables: inout ServerTables) {
        apply(&tables)
        if let transaction, end == .committed { tables.committed.insert(transaction) }
    }
}

/// The server's log: what is in it and flushed outlives a crash, what a replica has of it outlives the server.
struct WriteAheadLog {
    enum Record {
        /// Ids up to here count as drawn once somebody recovers from this log.
        case sequence(Int64)
        /// A transaction has begun to write.
        case transaction(UInt32)
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

    /// - Returns: the records that are flushed by it.
    @discardableResult
    mutating func flush() -> Range<Int> {
        let before = flushed
        flushed = records.count
        return before..<flushed
    }

    /// The highest transaction that the log tells of.
    var highestTransaction: UInt32 {
        records.reduce(0) { highest, record in
            switch record {
            case .sequence: highest
            case .transaction(let number): max(highest, number)
            case .change(let change): max(highest, change.transaction ?? 0)
            }
        }
    }

    /// The replica has received one record more, of those that are flushed.
    mutating func replicateOne() -> Record? {
        guard replicated < flushed else { return nil }
        replicated += 1
        return records[replicated - 1]
    }

    mutating func show(_ place: Int) { isVisible[place] = true }

    /// A crash: what was not flushed is gone.
    mutating func recover() -> (lost: [Change], shown: [Change]) { cut(at: flushed) }

    /// The replica takes over: what it lacks is gone.
    mutating func promote() -> (lost: [Change], shown: [Change]) { cut(at: replicated) }

    /// What comes from there on is gone, and what comes before is there for all to see.
    ///
    /// - Returns: the changes that somebody had seen and that are lost, and those that nobody had seen so far.
    private mutating func cut(at place: Int) -> (lost: [Change], shown: [Change]) {
        let lost = records.indices.dropFirst(place).compactMap { index -> Change? in
            if case .change(let change) = records[index], isVisible[index] { change } else { nil }
        }
        truncate(to: place)
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
