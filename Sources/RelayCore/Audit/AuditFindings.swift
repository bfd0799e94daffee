/// What an audit found.
package struct AuditFindings: Sendable, Hashable {
    /// What can be wrong with a file; each is a reason to fail.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// A row below the last event of the file that the sink was given, and the file does not hold.
        case lost
        /// A row above the last event of the file that the sink was given, and the file does not hold.
        case undelivered
        /// A first delivery below an event that came before, of a row that was not late.
        case outOfOrder = "out_of_order"
        /// An event that came before.
        case duplicates
        /// The id of a row, with another time: another outbox's event, or time travel.
        case otherTime = "other_time"
        /// The data is not the row's payload.
        case changed
        /// An id that the table should hold and does not.
        case unknown
        /// A line that is no event.
        case foreign
        /// A file that ends within a line.
        case torn
    }

    /// One case of a kind.
    package struct Case: Sendable, Hashable {
        package var kind: Kind
        /// The event, where there is one.
        package var id: Int64?
        /// The line, where there is one.
        package var place: AuditLine.Place?
    }

    /// Cases of one kind that are kept; the others are only counted.
    package static let kept = 10

    private var counts: [Kind: Int] = [:]
    /// The first of each kind.
    package private(set) var cases: [Case] = []
    /// Lines, events or not.
    package var lines = 0
    /// First deliveries of events that the table holds.
    package var events = 0
    /// First deliveries below an event that came before, of rows that turned up late.
    package var late = 0
    /// Events that the table need not hold any more: nothing but their form was looked at.
    package var purged = 0
    /// Rows that the sink need not have been given yet.
    package var pending = 0
    /// The lowest and the highest event, by the table.
    package var firstID: Int64?
    package var lastID: Int64?
    /// Whether each event could be told from a repeated one: not where more gaps stood open than are kept.
    package var isExact = true

    package init() {}

    /// How many there are of a kind.
    package func count(_ kind: Kind) -> Int { counts[kind] ?? 0 }

    /// Whether nothing is wrong.
    package var isGood: Bool { counts.values.allSatisfy { $0 == 0 } }

    /// Counts a case.
    package mutating func note(_ kind: Kind, id: Int64? = nil, place: AuditLine.Place? = nil) {
        let count = count(kind)
        counts[kind] = count + 1
        if count < Self.kept { cases.append(Case(kind: kind, id: id, place: place)) }
    }
}
