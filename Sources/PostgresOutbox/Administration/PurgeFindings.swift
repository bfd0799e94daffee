/// What a purge has done so far, and why it ended.
package struct PurgeFindings: Sendable, Hashable {
    /// Rows that were deleted, or would be.
    package private(set) var count: Int64 = 0
    package private(set) var firstID: Int64?
    package private(set) var lastID: Int64?
    /// Nil while it goes on.
    package internal(set) var end: PurgeEnd?

    package init() {}

    /// - Parameter ids: ascending.
    mutating func add(_ ids: [Int64]) {
        count += Int64(ids.count)
        firstID = firstID ?? ids.first
        lastID = ids.last ?? lastID
    }
}

/// Why a purge ended.
package enum PurgeEnd: Sendable, Hashable {
    /// As far as it looked nothing is left that is old enough.
    case done
    /// What is left waits for this sink, which has got as far as `through`; nil: where it begins is not fixed yet.
    case sink(String, through: Int64?)
    /// This row must stay, and with it what lies above.
    case row(KeptRow)
}

/// A row that is old enough and below every cursor, and yet has to stay.
package struct KeptRow: Sendable, Hashable {
    package enum Cause: Sendable, Hashable {
        /// It has an entry in `outbox_late`: a sink is to get it out of turn, or the relay has not written it off yet.
        case owed
        /// Another transaction has it locked.
        case locked
        /// The server refuses to delete it; its words.
        case refused(String)
    }

    package var id: Int64
    package var cause: Cause

    package init(id: Int64, cause: Cause) {
        self.id = id
        self.cause = cause
    }

    /// Such as `event 7 stays: another transaction has its row locked`.
    package var sentence: String {
        switch cause {
        case .owed: "event \(id) stays: it turned up late and is not delivered to every sink yet"
        case .locked: "event \(id) stays: another transaction has its row locked"
        case .refused(let words): "event \(id) stays: its row cannot be deleted: \(words)"
        }
    }
}
