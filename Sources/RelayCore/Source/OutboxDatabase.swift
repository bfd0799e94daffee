/// A database with an outbox, as the runtime sees it.
package protocol OutboxDatabase: Sendable {
    /// Waits for the leadership and takes it over: every older session is gone and a new epoch begun when it returns.
    ///
    /// - Parameters:
    ///   - known: what this process knows to have left, checked while it waits.
    ///   - lastEpoch: the epoch in which this process led last, 0 if it never did.
    ///   - unsettled: rows that this process delivered, or was about to, and has not settled: they must still be what they
    ///     were, on every server that is reached.
    ///   - report: told what the wait is for.
    /// - Throws: ``RelayStop`` where waiting cannot help; `CancellationError`.
    func lead(
        known: KnownProgress, lastEpoch: Int64, unsettled: [DeliveredRow],
        report: @escaping @Sendable (WaitingReport) -> Void
    ) async throws -> LeadOutcome
}

/// What waiting for the leadership came to.
package enum LeadOutcome: Sendable {
    case leads(any LeaderSessions)
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
    /// The server was restarted or promoted: everybody who is alive checks first.
    case historyCheck
}
