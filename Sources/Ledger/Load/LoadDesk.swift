/// Where a load hands in its transfers, one after the other. Each of the crew has one of its own.
protocol LoadDesk: Sendable {
    /// Posts a transfer, to its end as the transfer says; returns once it is answered.
    ///
    /// - Parameter pace: says when nothing is waited for any more.
    func post(_ transfer: LoadTransfer, by pace: LoadPace) async throws(DeskFailure)

    /// Called once, after the last transfer.
    func close() async
}

/// Why a transfer was not posted.
struct DeskFailure: Error {
    /// In a sentence.
    let reason: String
    /// Whether the load itself has cut it short.
    var isCancelled = false
    /// Whether the desk has lost its server, so that the next transfer should wait a little.
    var isAway = false
}
