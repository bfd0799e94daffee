/// A row that the database cannot give out, move or park, though it does others of the same statement.
package struct RowFault: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// It holds the order at its place until somebody fixes or deletes it.
        case unreadable
        /// It is delivered, and stays in the unpublished leaf.
        case unmovable
        /// A sink has rejected it, and it blocks that sink's lane.
        case unparkable
    }

    package var id: Int64
    package var kind: Kind
    /// The server's words.
    package var reason: String

    package init(id: Int64, kind: Kind, reason: String) {
        self.id = id
        self.kind = kind
        self.reason = reason
    }
}

/// An event that was to be parked and could not be.
package struct UnparkedEvent: Hashable, Sendable {
    package var sink: String
    package var id: Int64
    /// The server's words.
    package var reason: String

    package init(sink: String, id: Int64, reason: String) {
        self.sink = sink
        self.id = id
        self.reason = reason
    }

    /// For `status`.
    var parkingReason: String { "event \(id) was rejected and cannot be parked: \(reason)" }
}
