/// How the relay is, as its database says: what `outbox-relay status` shows.
package struct RelayStatus: Sendable, Hashable {
    /// Who holds the leader's lock.
    package struct Leader: Sendable, Hashable {
        /// The leader session's backend.
        package var pid: Int64
        package var applicationName: String
        /// Where the relay runs, as it says itself.
        package var host: String?
        /// RFC 3339 in UTC.
        package var since: String?
    }

    /// A transaction that holds the order back; it has a pid, or, prepared, a gid.
    package struct OrderHold: Sendable, Hashable {
        package var pid: Int64?
        package var gid: String?
        package var applicationName: String?
        package var seconds: Int64
        package var aboveID: Int64
    }

    package struct Sink: Sendable, Hashable {
        package var name: String
        /// Whether the leader is configured with it.
        package var configured: Bool
        /// Nil, as what follows, where somebody has the tables locked that tell it.
        package var deliveredThrough: Int64?
        /// Events that it lacks; stops counting at ``RelayStatus/countLimit``.
        package var lagEvents: Int64?
        /// The age of the oldest event that it lacks; 0 if none.
        package var lagSeconds: Double?
        /// Stops counting at ``RelayStatus/countLimit``.
        package var parked: Int64?
        /// `live`, `catching-up`, `retrying`, `blocked` or `stopped`.
        package var state: String
        package var lastError: String?
    }

    /// Counting stops here: beyond, the number says only that there are very many.
    package static let countLimit: Int64 = 10_000_000

    package var leader: Leader?
    /// `poll` or `wal`; `nil` without a leader.
    package var mode: String?
    package var streaming: Bool
    /// Rows of the unpublished leaf; stops counting at ``countLimit``. Nil where somebody has it locked.
    package var unpublished: Int64?
    package var orderHold: OrderHold?
    /// What the relay's sessions wait for, and have for a second or longer: read from the server, since who is stuck cannot
    /// write it down.
    package var waits: [SessionWait]
    /// By name.
    package var sinks: [Sink]
    /// Why nobody delivers until `resume`, if so.
    package var stoppedReason: String?
}

extension RelayStatus {
    /// Nothing can be settled or claimed while the session that does it waits, or the one that leads.
    package var standstill: SessionWait? { waits.first { $0.role != "read" && $0.role != "stream" } }

    /// No sink is well while nothing can be settled.
    mutating func nameStandstill() {
        guard leader != nil, let standstill else { return }
        for index in sinks.indices where sinks[index].state == "live" || sinks[index].state == "catching-up" {
            sinks[index].state = "blocked"
            sinks[index].lastError = "the relay's \(standstill.role) session waits for \(standstill.text)"
        }
    }
}
