import RelayCore

/// What the relay tells an operator, as it happens.
package enum RelayReport: Sendable {
    case waiting(WaitingReport)
    case leading(epoch: Int64)
    /// This relay shares the load with others, without order.
    case competing
    /// Per sink, where it goes on; at most `window` events may come again.
    case resuming(sink: String, after: Int64)
    /// A registered sink that this relay is not configured with: what it holds back, where that could be counted.
    case unconfiguredSink(String, held: HeldRows?)
    /// Published rows were purged; hourly at most.
    case purged(PurgeSummary)
    case deposed(reason: String)
    case streaming
    case polling(reason: String)
    case note(RelayNote)
    case hold(OrderHold, HolderDescription?)
    case suspended(String)
    case resumed
    /// Something cannot be done with one row; the others go on.
    case rowFault(RowFault)
    /// Rows were delivered, and deleted by somebody before they were marked.
    case rowsGone(first: Int64, last: Int64, count: Int)
    /// What a session of this relay has waited for on the server for a second or longer, in a sentence.
    case waits(String)
    /// The work session's COMMIT waits for a synchronous standby; the settlement began so long ago (milliseconds).
    case commitWaits(Int64)
    case wentBack(String)
    case failed(what: String, reason: String)
    case drained
    case stopping
}

/// How the relay ended.
package enum RelayExit: Hashable, Sendable {
    case drained
    case stopped
    case sinkClosed(String)
    case stop(RelayStop)
}

/// What the runtime needs beside the policy. Times are milliseconds.
package struct RelaySettings: Sendable {
    package var policy: RelayPolicy
    /// Per sink; one without a policy has order by id and blocks.
    package var lanes: [String: LanePolicy]
    package var leaderTimeout: Int64
    package var shutdownTimeout: Int64
    package var modeName: String
    package var seed: UInt64
    /// The leader purges rows that were published longer ago; nil: none.
    package var keepPublished: Int64?

    package init(
        policy: RelayPolicy, lanes: [String: LanePolicy] = [:], leaderTimeout: Int64 = 2000,
        shutdownTimeout: Int64 = 10_000, modeName: String = "poll", seed: UInt64 = 0, keepPublished: Int64? = nil
    ) {
        self.policy = policy
        self.lanes = lanes
        self.leaderTimeout = leaderTimeout
        self.shutdownTimeout = shutdownTimeout
        self.modeName = modeName
        self.seed = seed
        self.keepPublished = keepPublished
    }

    /// Whether some lane must know the keys of its rows.
    var needsKeys: Bool { lanes.values.contains(where: \.needsKeys) }
}
