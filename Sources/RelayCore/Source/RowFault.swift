/// A row that something cannot be done with, for what it holds or for what the table's owner has attached to it. It is
/// its own fault: the rows beside it go on.
package struct RowFault: Hashable, Sendable {
    package enum Work: String, Hashable, Sendable {
        /// Its content cannot be read: it is not delivered.
        case read
        /// It was delivered and cannot be marked as published.
        case mark
        /// It was rejected and cannot be parked.
        case park
    }

    package var id: Int64
    package var work: Work
    /// The server's words, or what else is known.
    package var reason: String

    /// The row was not looked at on its own: it is tried again, and nothing is told of it.
    package var isUntried: Bool { reason == Self.untried }
    package static let untried = "the cause is not determined yet"

    package init(id: Int64, work: Work, reason: String) {
        self.id = id
        self.work = work
        self.reason = reason
    }
}
