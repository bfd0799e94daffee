import RelayCore

/// What one process knows while nobody else has led: its deliveries are judged against it.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class RelayLife: @unchecked Sendable {
    /// From whom a sink had an event first.
    struct Origin: Hashable {
        var sink: String
        var sender: ObjectIdentifier
        var isOutOfTurn: Bool
    }

    let process: Int
    /// Per sink, the stored cursor with which it began.
    let cursors: [String: Int64]
    /// Rows that were owed when it began.
    let outOfTurn: Set<Int64>
    /// Per sink, what it sent.
    var sent: [String: Set<DeliveredRow>] = [:]
    /// Per sink, what the sink told it to be delivered.
    var acknowledged: [String: Set<DeliveredRow>] = [:]
    /// Events that it sent and that the sink had from another.
    var repeated: [Origin: Set<DeliveredRow>] = [:]

    init(process: Int, opened: OpenedSessions) {
        self.process = process
        var cursors: [String: Int64] = [:]
        for sink in opened.sinks { cursors[sink.name] = sink.isFixed ? sink.cursor : 0 }
        self.cursors = cursors
        outOfTurn = Set(opened.owed.values.flatMap { $0.waiting + $0.delivered })
    }

    /// The row counts as one that it never had.
    func forget(_ row: DeliveredRow) {
        for sink in sent.keys { sent[sink]?.remove(row) }
        for sink in acknowledged.keys { acknowledged[sink]?.remove(row) }
    }
}
