import RelayCore

/// An outbox on PostgreSQL whose rows several relays share.
package actor PostgresCompetition: CompetingOutbox {
    private let settings: PostgresSettings
    private let claimTimeout: Duration
    private let patience: Patience

    package init(_ settings: PostgresSettings, claimTimeout: Duration) {
        self.settings = settings
        self.claimTimeout = claimTimeout
        patience = Patience(limit: settings.reachWithin)
    }

    package func open(_ report: @escaping @Sendable (WaitingReport) -> Void) async throws -> any CompetingTenure {
        try await patience.wait(report) { try await self.openOnce() }
    }

    private func openOnce() async throws -> any CompetingTenure {
        let session = try await openSession(
            settings.target, on: settings.thread, role: .work, timeouts: .competing(claimTimeout: claimTimeout),
            timeout: .seconds(5))
        do {
            try await inspect(session)
            return CompetingSession(session, source: settings.source, claimTimeout: claimTimeout)
        } catch {
            await session.close()
            throw error
        }
    }

    private func inspect(_ session: Session) async throws {
        if await !patience.hasBegun, let refusal = try await refusals(on: session).first { throw refusal }
        if let sink = try await SinkAdministrator(session).list().first {
            // Also once it has run: whoever registered a sink wants it asked.
            throw RelayStop(
                .configuration,
                "sink \(sink.name) is registered, but --order none does not serve registered sinks; "
                    + "run with --order id, or outbox-relay sinks remove \(sink.name)")
        }
        await patience.begin()
    }
}

extension SessionTimeouts {
    /// A claim is held until its rows are delivered, and the server ends a session that holds one for much longer.
    static func competing(claimTimeout: Duration) -> SessionTimeouts {
        SessionTimeouts(
            lock: claimTimeout, idleInTransaction: claimTimeout + .seconds(1), tcpUser: claimTimeout + .seconds(1),
            connectionCheck: claimTimeout / 4)
    }
}
