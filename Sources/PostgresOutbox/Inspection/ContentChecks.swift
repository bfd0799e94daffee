import Libpq

extension Inspector {
    /// Whether every text that the outbox can hold can be read as UTF-8.
    func encodingCheck() async throws(Refusal) -> Check {
        let encoding = session.connection.info.serverEncoding
        guard encoding != "UTF8" else { return .passed("encoding", severity: .warning) }
        return .failed(
            "encoding", severity: .warning,
            "the database's encoding is \(encoding), so it may hold bytes that are not valid in UTF-8; an event with"
                + " such bytes cannot be read, and holds back every later one until it is changed or deleted",
            remedy: "move to a database made with ENCODING 'UTF8', or have producers write only ASCII")
    }

    /// What else happens when the relay marks a row: the row moves from one leaf to the other.
    ///
    /// A move is an UPDATE of one leaf that becomes a DELETE there and an INSERT into the other one (PostgreSQL
    /// documentation, 39.1): BEFORE triggers of all three fire, AFTER triggers of the last two. Bits of `tgtype` are those
    /// of `catalog/pg_trigger.h`. Up to PostgreSQL 14 what a leaf has from its parent is marked internal.
    func triggerCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            """
            SELECT DISTINCT 'trigger ' || pg_catalog.quote_ident(t.tgname)
            FROM pg_catalog.pg_trigger AS t
            WHERE (NOT t.tgisinternal OR t.tgparentid <> 0 AND t.tgconstraint = 0) AND t.tgenabled IN ('O', 'A') AND t.tgtype::int & 1 <> 0
              AND (t.tgrelid = $1::pg_catalog.oid AND t.tgtype::int & CASE WHEN t.tgtype::int & 2 <> 0 THEN 24 ELSE 8 END <> 0
                OR t.tgrelid = $2::pg_catalog.oid AND t.tgtype::int & 4 <> 0)
            UNION SELECT 'rule ' || pg_catalog.quote_ident(r.rulename) FROM pg_catalog.pg_rewrite AS r
            WHERE r.ev_class IN ($1::pg_catalog.oid, $2::pg_catalog.oid, $3::pg_catalog.oid) AND r.ev_enabled IN ('O', 'A')
            ORDER BY 1
            """,
            [
                .int(Int64(session.schema.unpublished.oid)), .int(Int64(session.schema.published.oid)),
                .int(Int64(session.schema.table.oid)),
            ])
        let names = found.compactMap { $0.string(0) }
        guard !names.isEmpty else { return .passed("triggers", severity: .warning) }
        return .failed(
            "triggers", severity: .warning,
            "\(names.joined(separator: ", ")) of \(session.schema.table.shown): these run again when the relay marks a row as"
                + " published, which moves it to another partition; a row for which one raises an error or returns NULL"
                + " is delivered but cannot be marked",
            remedy: "change them to let rows whose published_at is set pass unchanged, or drop them")
    }
}
