/// What one sink is owed out of turn: a row of `outbox_late`. It turned up late, below the sink's cursor, or the sink has it
/// and it could not move.
package struct OwedEntry: Hashable, Sendable {
    package var sink: String
    package var id: Int64
    /// The sink has it; the entry stays because the row could not move.
    package var isDelivered: Bool

    package init(sink: String, id: Int64, isDelivered: Bool = false) {
        self.sink = sink
        self.id = id
        self.isDelivered = isDelivered
    }
}
