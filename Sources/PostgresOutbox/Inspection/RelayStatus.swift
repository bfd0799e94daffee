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

        package init(pid: Int64, applicationName: String, host: String? = nil, since: String? = nil) {
            self.pid = pid
            self.applicationName = applicationName
            self.host = host
            self.since = since
        }
    }

    /// What holds the order back: a transaction, which has a pid or, prepared, a gid; or a row that cannot be read.
    package struct OrderHold: Sendable, Hashable {
        package var pid: Int64?
        package var gid: String?
        package var applicationName: String?
        package var seconds: Int64
        package var aboveID: Int64
        package var row: Row?

        package init(
            pid: Int64? = nil, gid: String? = nil, applicationName: String? = nil, seconds: Int64, aboveID: Int64,
            row: Row? = nil
        ) {
            self.pid = pid
            self.gid = gid
            self.applicationName = applicationName
            self.seconds = seconds
            self.aboveID = aboveID
            self.row = row
        }
    }

    /// One that holds the order by itself.
    package struct Row: Sendable, Hashable {
        package var id: Int64
        /// It cannot be read; else its id is not one that the sequence has issued.
        package var isUnreadable: Bool
        package var reason: String

        package init(id: Int64, isUnreadable: Bool, reason: String) {
            self.id = id
            self.isUnreadable = isUnreadable
            self.reason = reason
        }
    }

    package struct Sink: Sendable, Hashable {
        package var name: String
        /// Whether the leader is configured with it.
        package var configured: Bool
        /// Nil, as what follows, where somebody has the tables locked that tell it.
        package var deliveredThrough: Int64?
        /// Events that it lacks; counting stops where the reading was told to.
        package var lagEvents: Int64?
        /// The age of the oldest event that it lacks; 0 if none.
        package var lagSeconds: Double?
        /// Counting stops there as well.
        package var parked: Int64?
        /// `live`, `catching-up`, `retrying`, `blocked` or `stopped`.
        package var state: String
        package var lastError: String?

        package init(
            name: String, configured: Bool = true, deliveredThrough: Int64? = nil, lagEvents: Int64? = nil,
            lagSeconds: Double? = nil, parked: Int64? = nil, state: String, lastError: String? = nil
        ) {
            self.name = name
            self.configured = configured
            self.deliveredThrough = deliveredThrough
            self.lagEvents = lagEvents
            self.lagSeconds = lagSeconds
            self.parked = parked
            self.state = state
            self.lastError = lastError
        }
    }

    /// Counting stops here, unless a reading is told to stop earlier: beyond, the number says only that there are very many.
    package static let countLimit: Int64 = 10_000_000

    package var leader: Leader?
    /// `poll` or `wal`; `nil` without a leader.
    package var mode: String?
    package var streaming: Bool
    /// Rows of the unpublished leaf; counting stops as for the sinks. Nil where somebody has it locked.
    package var unpublished: Int64?
    package var orderHold: OrderHold?
    /// What the relay's sessions wait for, and have for a second or longer: read from the server, since who is stuck cannot
    /// write it down.
    package var waits: [SessionWait]
    /// By name.
    package var sinks: [Sink]
    /// Why nobody delivers until `resume`, if so.
    package var stoppedReason: String?

    /// As long as nothing is known.
    package init() {
        streaming = false
        waits = []
        sinks = []
    }
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
