/// A leader's sessions. Any call may throw; a lost leader or work session ends the lead.
package protocol LeaderSessions: Sendable {
    var epoch: Int64 { get }
    var opened: OpenedSessions { get }
    var watch: any LeaderWatch { get }
    var work: any LeaderWork { get }

    /// The tail's next rows, in WAL mode; one such read at a time.
    func readTail(_ request: TailRequest) async throws -> FetchedTail
    func read(_ request: ReadRequest) async throws -> FetchedRows
    func readOwed(_ ids: [Int64]) async throws -> FetchedRows
    /// Parked events, from the copies that were parked.
    func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows

    /// What a registered sink that nobody serves holds back: bounded in rows and in time, and not on a session that is
    /// needed for anything else.
    func rowsHeld(by sink: String) async throws -> HeldRows
    /// Deletes a page of the rows that were published longer ago than `age` milliseconds and that nobody needs any more,
    /// on a session that is there for nothing else. One such call at a time; a failure is no loss of the lead.
    func purgePage(olderThan age: Int64) async throws -> PurgedPage

    /// Runs the stream until it ends or the task is cancelled.
    func stream(_ report: @escaping @Sendable (StreamReport) async -> Void) async

    func isLoss(_ error: any Error) -> Bool
    func close() async
}

/// The session that holds the leader's lock: nothing large passes through it, and it never waits behind a settlement.
package protocol LeaderWatch: Sendable {
    func beat() async throws -> LeaderBeat
    func scan() async throws -> SequenceScan
    func describe(_ cause: OrderHold.Cause) async throws -> HolderDescription?
    /// What the leader's sessions have waited for on the server for a second or longer.
    func standingWaits() async throws -> [StandingWait]
    func note(_ status: LeaderStatus) async throws
    /// Writes the reason where it still holds; true if a stop stands.
    func writeStop(_ travel: TimeTravel) async throws -> Bool
}

/// The session that claims, settles and sweeps, one after the other.
package protocol LeaderWork: Sendable {
    func claim(_ request: ClaimRequest) async throws -> FetchedClaim
    func endClaim() async throws
    func recheckGaps(_ gaps: IDRanges) async throws -> RowsInGaps
    func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState
    /// - Parameter known: what had left when the sweep was sent: checked before a row is called late.
    /// - Throws: ``TimeTravel`` where the database went back, before anything is written.
    func sweep(_ request: SweepRequest, known: KnownProgress) async throws -> SweptState
    func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration]
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
package struct StandingWait: Hashable, Sendable {
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
