import Libpq

extension LeaderSession {
    /// Three statements, of which the second gives the outbox's parts as the search path finds them now: the one by which
    /// it was found, since this session's own leads to nothing else.
    nonisolated var outboxCheck: [Statement] {
        [
            Self.set(searchPath: session.schema.searchPath), Statement(OutboxSchema.partsSQL, prepares: true),
            Self.set(searchPath: SessionSettings.searchPath(session.schema).text),
        ]
    }

    /// Looks whether the outbox is still what this session resolved.
    func checkOutbox() async throws {
        let tables = try await run(outboxCheck)
        guard tables.count == 3 else {
            throw PostgresError(.protocolViolation, "the catalogue cannot be read")
        }
        try refuseChange(tables[1])
    }

    /// - Parameter parts: what ``outboxCheck`` gave.
    nonisolated func refuseChange(_ parts: ResultTable) throws(OutboxChanged) {
        let now = OutboxSchema(parts, searchPath: session.schema.searchPath)
        if let change = session.schema.change(to: now) { throw change }
    }

    /// To the end of the exchange, which is one transaction without BEGIN (PostgreSQL documentation, 55.2.2.1).
    private static func set(searchPath: String) -> Statement {
        Statement("SELECT pg_catalog.set_config('search_path', $1, true)", [.text(searchPath)])
    }
}
