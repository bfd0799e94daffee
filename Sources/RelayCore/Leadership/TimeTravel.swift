/// The database went back: ids that left are about to be issued a second time, or have been.
package enum TimeTravel: Error, Hashable, Sendable {
    /// The sequence is below an id that was handed to a sink.
    case sequenceBehind(lastValue: Int64, handed: Int64)
    /// A stored cursor is below what this process saw acknowledged, in the same generation.
    case cursorBehind(sink: String, generation: Int64, stored: Int64, acknowledged: Int64)
    /// A row that was delivered and not settled is missing, or is another one.
    case rowChanged(id: Int64)

    /// One sentence: what happened, and how to fix it.
    package var reason: String {
        switch self {
        case .sequenceBehind(let lastValue, let handed):
            "the database went back to an earlier state: the sequence outbox_id_seq is at \(lastValue), below id"
                + " \(handed), which was already sent to a sink; restart the sequence above \(handed), then run"
                + " outbox-relay resume"
        case .cursorBehind(let sink, _, let stored, let acknowledged):
            "the database went back to an earlier state: the cursor of sink \(sink) is at \(stored), but was already"
                + " at \(acknowledged); restart the sequence outbox_id_seq above \(acknowledged) or move the sink, then"
                + " run outbox-relay resume"
        case .rowChanged(let id):
            "the database went back to an earlier state: event \(id), which was delivered, is missing, or another event"
                + " has its id; restart the sequence outbox_id_seq above \(id), then run outbox-relay resume"
        }
    }
}
