import Libpq

extension LeaderSession {
    /// The error, with the names of who was waited for where it is one of waiting too long for a lock.
    ///
    /// Where a transaction is open it is rolled back: after an error nothing else can be done with it.
    func named(_ error: PostgresError) async -> PostgresError {
        guard error.sqlState == "55P03", !error.connectionIsLost else { return error }
        guard (try? await connection.rollBack(timeout: limit)) != nil, let holders = try? await lockHolders() else {
            return error
        }
        var named = error
        named.message += ": \(holders); end that transaction"
        return named
    }

    /// Who holds a lock on the outbox, or on one of the relay's tables, that this session may have waited for: asked once it
    /// has given up, since it cannot look at itself while it waits.
    ///
    /// On the outbox only locks that shut out writers count, since its producers hold the others; on the relay's own tables
    /// any but a reader's, since it may be a row that is locked.
    ///
    /// - Returns: such as `pid 7 (psql) holds AccessExclusiveLock on outbox_sink`; nil where nobody does any more.
    private func lockHolders() async throws(PostgresError) -> String? {
        let schema = session.schema
        let outbox = [schema.table, schema.unpublished, schema.published, schema.sequence].map { Int64($0.oid) }
        let ours = [session.backendPID] + recorded.map(\.pid)
        let table = try await connection.query(
            """
            SELECT l.pid, coalesce(max(a.application_name), ''), max(l.mode), l.relation::pg_catalog.regclass::text
            FROM pg_catalog.pg_locks AS l LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
            WHERE l.locktype = 'relation' AND l.granted AND (l.pid = ANY ($3::int[])) IS NOT TRUE
              AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d
                WHERE d.datname = pg_catalog.current_database())
              AND CASE WHEN l.relation = ANY ($1::pg_catalog.oid[])
                THEN l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                ELSE l.mode <> 'AccessShareLock' AND EXISTS (
                  SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = l.relation AND c.relname LIKE 'outbox\\_%'
                    AND c.relkind = 'r' AND c.relnamespace = $2::pg_catalog.regnamespace) END
            GROUP BY l.pid, l.relation ORDER BY 1 NULLS LAST, 4 LIMIT 3
            """, [.int8Array(outbox), .text(schema.quoted.text), .int8Array(ours.map { Int64($0) })], timeout: limit)
        let holders = table.rows.map { row in
            let who = row.int(0).map { "pid \($0) (\(row.string(1) ?? ""))" } ?? "a prepared transaction"
            return "\(who) holds \(row.string(2) ?? "") on \(row.string(3) ?? "")"
        }
        return holders.isEmpty ? nil : holders.joined(separator: ", ")
    }
}
