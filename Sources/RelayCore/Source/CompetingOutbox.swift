/// An outbox whose rows several relays share without order, as the runtime sees it.
package protocol CompetingOutbox: Sendable {
    /// Opens a session, waiting for the database where it must.
    ///
    /// - Throws: ``RelayStop`` where waiting cannot help; `CancellationError`.
    func open(_ report: @escaping @Sendable (WaitingReport) -> Void) async throws -> any CompetingTenure
}

/// The session of a competing relay. Any call may throw, and has rolled back then.
package protocol CompetingTenure: Sendable {
    /// Locks and reads the lowest rows that nobody has locked; a transaction stays open where there are any.
    func claim(rows: Int, bytes: Int, without: [Int64]) async throws -> FetchedRows
    /// Marks rows as published, parks others, and ends the claim. Gives the rows that cannot be marked.
    func mark(_ ids: [Int64], parked: [Parking], sink: String) async throws -> [UnmovableRow]
    /// Whether no unpublished row is left, claimed or not.
    func isEmpty() async throws -> Bool

    /// The session is of no use any more.
    func isLoss(_ error: any Error) -> Bool
    /// Another relay was quicker, which is no event.
    func lostRace(_ error: any Error) -> Bool
    func close() async
}
