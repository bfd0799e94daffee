import RelayCore

/// What is committed and visible: the outbox and the relay's own tables.
struct ServerTables: Sendable {
    struct ParkedRow: Sendable {
        var sink: String
        var row: Row
        var isBehind: Bool
        /// Somebody wants it tried again.
        var isRequested: Bool
    }

    /// A session of a leader, as it is recorded before its first use.
    struct RecordedSession: Hashable, Sendable {
        var pid: Int32
        /// The run of the server in which it began.
        var incarnation: Int
        var epoch: Int64
        var role: SessionRole
    }

    struct LeaderRecord: Sendable {
        var epoch: Int64 = 0
        var stoppedReason: String?
        /// The server on which the last leader began.
        var server: ServerMark?
        var sessions: [RecordedSession] = []
    }

    struct Prepared: Sendable {
        var name: String
        var transaction: ProducerTransaction
        var rows: [Row]
        /// Ids that it inserted, whatever became of them.
        var inserted: [Int64]
    }

    var unpublished = Leaf()
    var published = Leaf()
    var sinks: [SinkRegistration] = []
    var generation: Int64 = 0
    var absent = IDRanges()
    /// By id and sink, ascending.
    var owed: [OwedEntry] = []
    /// By sink and id, ascending.
    var parked: [ParkedRow] = []
    var leader = LeaderRecord()
    var prepared: [Prepared] = []
    /// Transactions that are known to be committed.
    var committed: Set<UInt32> = []

    func row(_ id: Int64) -> Row? { unpublished[id] ?? published[id] }

    /// The highest committed row at or below `id`, in either leaf.
    func highestRow(through id: Int64) -> Int64? {
        let highest = max(unpublished.highest(through: id) ?? .min, published.highest(through: id) ?? .min)
        return highest == .min ? nil : highest
    }

    /// Per sink, the lowest of what is owed to it.
    var owedPortions: [String: OwedPortion] {
        var portions: [String: OwedPortion] = [:]
        for sink in sinks {
            let entries = owed.filter { $0.sink == sink.name }
            guard !entries.isEmpty else { continue }
            let waiting = entries.filter { !$0.isDelivered }.map(\.id).prefix(OwedPortion.limit)
            let delivered = entries.filter(\.isDelivered).map(\.id).prefix(OwedPortion.limit)
            portions[sink.name] = OwedPortion(
                waiting: Array(waiting), delivered: Array(delivered), isPart: waiting.count >= OwedPortion.limit)
        }
        return portions
    }

    func isParked(_ id: Int64, for sink: String) -> Bool { parked.contains { $0.sink == sink && $0.row.id == id } }

    mutating func enter(_ entries: [OwedEntry]) {
        for entry in entries where !owed.contains(where: { $0.sink == entry.sink && $0.id == entry.id }) {
            owed.append(entry)
        }
        owed.sort { ($0.id, $0.sink) < ($1.id, $1.sink) }
    }
}

/// Which server, since when, of which line.
struct ServerMark: Hashable, Sendable {
    var started: Int
    var timeline: Int
}

enum SessionRole: String, Sendable {
    case leader, work, read, stream
}
