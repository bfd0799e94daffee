/// An outbox whose rows several relays share without order, as the runtime sees it.
package protocol CompetingOutbox: Sendable {
    /// Opens a session, waiting for the database where it must.
    ///
    /// - Throws: ``RelayStop`` where waiting cannot help; `CancellationError`.
    func open(_ report: @escaping @Sendable (WaitingReport) -> Void) async throws -> any CompetingTenure
}

/// The session of a competing relay. Any call may throw, and has rolled back then.
package protocol CompetingTenure: Sendable {
    /// Locks and reads the lowest rows that nobody has locked; a transaction stays open where there are any. Where rows
    /// cannot be read, they are named, and nothing is claimed.
    func claim(rows: Int, bytes: Int, without: [Int64]) async throws -> (rows: FetchedRows, unreadable: [RowFault])
    /// Marks rows as published, parks others, and ends the claim. Gives the rows that cannot be marked or parked.
    func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [RowFault]
    /// Marks rows that were delivered in an earlier claim, where they are as they were.
    func remark(_ rows: [UnmarkedRow]) async throws -> RemarkedRows
    /// Whether no unpublished row is left, claimed or not.
    func isEmpty() async throws -> Bool

    /// The session is of no use any more.
    func isLoss(_ error: any Error) -> Bool
    /// Another relay was quicker, which is no event.
    func lostRace(_ error: any Error) -> Bool
    func close() async
}

/// What became of rows that were delivered in an earlier claim; what is not named here is marked, or gone.
package struct RemarkedRows: Hashable, Sendable {
    package var faults: [RowFault]
    /// Another relay has them, or an operator.
    package var locked: [Int64]

    package init(faults: [RowFault] = [], locked: [Int64] = []) {
        self.faults = faults
        self.locked = locked
    }
}
