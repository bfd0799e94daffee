/// A database with an outbox, as the runtime sees it.
package protocol OutboxDatabase: Sendable {
    /// Waits for the leadership and takes it over: every older session is gone and a new epoch begun when it returns.
    ///
    /// - Parameters:
    ///   - memory: what this process knows to have left, judged while it waits.
    ///   - lastEpoch: the epoch in which this process led last, 0 if it never did.
    ///   - unsettled: rows that this process delivered, or was about to, and has not settled: they must still be what they
    ///     were, on every server that is reached.
    ///   - report: told what the wait is for.
    /// - Throws: ``RelayStop`` where waiting cannot help; `CancellationError`.
    func lead(
        memory: ProcessMemory, lastEpoch: Int64, unsettled: [DeliveredRow],
        report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome
}

/// What waiting for the leadership came to.
package enum LeadOutcome: Sendable {
    case leads(any LeaderTenure)
    /// Another relay leads and has brought everything to the configured sinks, and this one was to end then.
    case drained
}

/// A row that left and is not settled.
package struct DeliveredRow: Hashable, Sendable {
    package var id: Int64
    package var mark: RowMark

    package init(id: Int64, mark: RowMark) {
        self.id = id
        self.mark = mark
    }
}

/// What a relay waits for before it leads.
package enum WaitingReport: Hashable, Sendable {
    /// The database cannot be reached.
    case database(String)
    /// Somebody else leads: the leader's backend, as far as it can be seen.
    case standby(pid: Int32?)
    /// A predecessor's session does not end.
    case predecessor(pid: Int32, role: String)
    /// The server was restarted or promoted: everybody who is alive judges first.
    case judgement
}

/// Why the relay ends without having been asked to.
package struct RelayStop: Error, Hashable, Sendable {
    /// What kind of reason it is; the executable has an exit code for each.
    package enum Reason: Hashable, Sendable {
        /// The database was not reached within the time that it was given.
        case unreachable
        /// The server refuses the login, or the role lacks a grant.
        case denied
        /// The database or the configuration is not what a relay needs.
        case configuration
        /// Ids are issued a second time, or are about to be.
        case wentBack
        /// What should not happen.
        case unexpected
    }

    package var reason: Reason
    /// One sentence.
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var wentBack: Bool { reason == .wentBack }
}

/// Rows and their bytes.
package struct FetchedRows: Sendable {
    package var batch: EventBatch?
    package var ids: [Int64]
    package var reachedEnd: Bool
    /// Rows that the database cannot give out. A read in order ends before the first of them.
    package var faults: [RowFault]

    package init(batch: EventBatch?, ids: [Int64], reachedEnd: Bool, faults: [RowFault] = []) {
        self.batch = batch
        self.ids = ids
        self.reachedEnd = reachedEnd
        self.faults = faults
    }
}

/// What a read of the tail brought, with the rows' bytes.
package struct FetchedTail: Sendable {
    package var rows: FetchedRows
    package var lastValue: Int64?
    package var visible: [UInt32]
    package var edges: SnapshotEdges?

    package init(rows: FetchedRows, lastValue: Int64?, visible: [UInt32] = [], edges: SnapshotEdges? = nil) {
        self.rows = rows
        self.lastValue = lastValue
        self.visible = visible
        self.edges = edges
    }
}

/// What a claim brought, with the rows' bytes.
package struct FetchedClaim: Sendable {
    package var rows: FetchedRows
    /// The sequence's last value, read after the rows; nil where the claim saw no row.
    package var lastValue: Int64?
    /// The transaction is open and holds the rows' locks.
    package var isOpen: Bool

    package init(rows: FetchedRows, lastValue: Int64? = nil, isOpen: Bool = false) {
        self.rows = rows
        self.lastValue = lastValue
        self.isOpen = isOpen
    }
}

/// What the stream tells of itself.
package enum StreamReport: Sendable {
    case standing
    /// Transactions that were committed, in the order of their commits.
    case rung([Announcement])
    /// Ended, or cannot be had; the reason is for the log.
    case ended(reason: String)
}

/// What a session of a leader waits for on the server.
package struct TenureWait: Hashable, Sendable {
    /// Which session, what it waits for, and who has that.
    package var sentence: String
    package var milliseconds: Int64
    /// A COMMIT that waits for a synchronous standby.
    package var isCommit: Bool

    package init(sentence: String, milliseconds: Int64, isCommit: Bool) {
        self.sentence = sentence
        self.milliseconds = milliseconds
        self.isCommit = isCommit
    }
}

/// A leader's sessions. Any call may throw; a lost leader or work session ends the tenure.
package protocol LeaderTenure: Sendable {
    var epoch: Int64 { get }
    var opened: OpenedSessions { get }

    func beat() async throws -> LeaderBeat
    func scan() async throws -> SequenceScan
    func describe(_ cause: OrderHold.Cause) async throws -> HolderDescription?
    /// What the leader's sessions have waited for on the server for a second or longer.
    func waits() async throws -> [TenureWait]
    func note(_ status: LeaderStatus) async throws
    /// Writes the reason where it still holds; true if a stop stands.
    func writeStop(_ travel: TimeTravel) async throws -> Bool

    func claim(_ request: ClaimRequest) async throws -> FetchedClaim
    func endClaim() async throws
    func look(_ gaps: IDRanges) async throws -> LookedRows
    func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState
    /// - Parameter memory: what had left when the sweep was sent: judged before a row is called late.
    /// - Throws: ``TimeTravel`` where the database went back, before anything is written.
    func sweep(_ request: SweepRequest, memory: ProcessMemory) async throws -> SweptState
    func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration]

    /// The tail's next rows, in WAL mode; one such read at a time.
    func readTail(_ request: TailRequest) async throws -> FetchedTail
    func read(_ request: ReadRequest) async throws -> FetchedRows
    func readLate(_ ids: [Int64]) async throws -> FetchedRows
    /// Parked events, from the copies that were parked.
    func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows

    /// Runs the stream until it ends or the task is cancelled.
    func stream(_ report: @escaping @Sendable (StreamReport) async -> Void) async

    func isLoss(_ error: any Error) -> Bool
    func close() async
}
