/// What a replay is to do.
package struct ReplayPlan: Hashable, Sendable {
    /// The first id, and the last; both are included. `from` lies above the least Int64.
    package var from: Int64
    package var through: Int64
    /// Events and bytes of one portion that is read, each at least 1.
    package var rows = 1000
    package var bytes = 16 << 20
    /// Events of one delivery at most, at least 1: what a stop waits for.
    package var chunk = 1000
    package var retry = RetryPolicy()
    /// An event that the sink will never accept is passed over, and named; else it ends the replay.
    package var passesRejected = false

    package init(from: Int64, through: Int64) {
        self.from = from
        self.through = through
    }
}

/// Why a replay ended.
package enum ReplayEnd: Hashable, Sendable {
    /// Everything was delivered, or passed over.
    case done
    /// It was asked to stop.
    case stopped
    /// The sink will never accept this event.
    case rejected(id: Int64, reason: String)
    /// What keeps the sink from taking events must be fixed first.
    case blocked(reason: String)
    /// The sink is gone for good.
    case closed(reason: String)
}

/// What an operator should hear while a replay goes on.
package enum ReplayNote: Hashable, Sendable {
    /// The sink does not take events; it is tried again for as long as it takes.
    case outage(reason: String)
    case recovered
    /// Passed over.
    case rejected(id: Int64, reason: String)
}
