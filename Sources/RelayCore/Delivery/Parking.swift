/// An event that a lane has parked: counted as done, and kept for somebody to retry or discard.
package struct Parking: Hashable, Sendable {
    package var id: Int64
    /// What the sink said, or why the event stands behind another.
    package var reason: String
    /// Parked only because this event of the same key is.
    package var behind: Int64?

    package init(id: Int64, reason: String, behind: Int64? = nil) {
        self.id = id
        self.reason = reason
        self.behind = behind
    }

    /// The event `id` waits behind `head`, which is parked and has the same key.
    package init(id: Int64, behind head: Int64) {
        self.init(id: id, reason: "parked behind event \(head) of the same key", behind: head)
    }

    /// Somebody wants the event parked, whatever the sink says to it.
    package init(requested id: Int64) {
        self.init(id: id, reason: "parked by an operator")
    }
}

/// What became of a parked event that was tried again.
package struct ParkedOutcome: Hashable, Sendable {
    package var id: Int64
    /// Why the sink rejected it once more; nil: it was delivered, and is parked no longer.
    package var rejection: String?

    package init(id: Int64, rejection: String? = nil) {
        self.id = id
        self.rejection = rejection
    }
}
