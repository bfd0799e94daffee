import Libpq

extension LeaderSession {
    /// Prepares the statement that finds the outbox, once for the session: each beat asks it, and planning it would cost
    /// more than running it.
    func prepareOutboxCheck() async throws(PostgresError) {
        guard !canLook else { return }
        try await execute("\(asFound);\nPREPARE outbox_parts AS \(OutboxSchema.partsSQL);\n\(asSet)")
        canLook = true
    }

    /// Three statements, of which the second gives the outbox's parts as the search path finds them now: the one by which
    /// it was found, since this session's own leads to nothing else.
    nonisolated var outboxCheck: String { "\(asFound);\nEXECUTE outbox_parts;\n\(asSet)" }

    /// Looks whether the outbox is still what this session resolved.
    func checkOutbox() async throws {
        let tables = try await execute(outboxCheck)
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

    private nonisolated var asFound: String { Self.set(searchPath: session.schema.searchPath) }

    private nonisolated var asSet: String { Self.set(searchPath: SessionSettings.searchPath(session.schema)) }

    /// To the end of the exchange, which is one transaction without BEGIN (PostgreSQL documentation, 55.2.2.1).
    private static func set(searchPath: String) -> String {
        "SELECT pg_catalog.set_config('search_path', \(quotedLiteral(searchPath)), true)"
    }
}
