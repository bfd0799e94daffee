import Libpq
import RelayCore

/// Reads what the database is, and which of the rows that left are missing from it.
enum HistoryQuery {
    /// One row: system identifier, timeline, start of the server, the sequence's file, its last value, and whether it was
    /// called. The oids are those of the session's schema: every beat looks whether they still are.
    static func text(_ schema: OutboxSchema) -> SQLText {
        """
        SELECT (SELECT system_identifier FROM pg_catalog.pg_control_system()),
          (('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32))::bigint,
          pg_catalog.pg_postmaster_start_time(),
          (SELECT relfilenode FROM pg_catalog.pg_class WHERE oid = \(schema.sequence.oidSQL)),
          \(SequencePosition.columnsSQL(of: schema.sequence))
        """
    }

    /// - Parameter table: the answer to ``text(_:)``.
    static func history(
        _ table: ResultTable?, _ schema: OutboxSchema
    ) throws(PostgresError) -> (now: DatabaseHistory, lastValue: Int64) {
        guard let row = table?.rows.first, let system = row.string(0), let timeline = row.int(1),
            let started = row.string(2), let file = row.int(3), let position = SequencePosition(row, column: 4)
        else { throw PostgresError(.protocolViolation, "the server does not say which database it is") }
        let objects = [schema.table, schema.unpublished, schema.published, schema.sequence].map { Int64($0.oid) }
        return (
            DatabaseHistory(
                systemIdentifier: system, timeline: timeline, objects: objects, sequenceFile: file, started: started),
            position.drawn
        )
    }

    /// Of `$1` (ids), `$2` (`created_at` in microseconds) and `$3` (32-bit transactions): those that are missing or are
    /// other rows, with whether the transaction is known to be committed.
    static func changedRows(_ schema: OutboxSchema) -> SQLText {
        """
        SELECT w.id, o.id IS NULL, CASE
          WHEN o.id IS NOT NULL THEN false
          WHEN \(WideTransaction.sql("w.xid", xmax: "e.xmax")) < e.xmax::xid8
            THEN pg_catalog.pg_xact_status(\(WideTransaction.sql("w.xid", xmax: "e.xmax"))) = 'committed' END
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS w (id, at, xid)
        CROSS JOIN (SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text AS xmax) AS e
        LEFT JOIN \(schema.table) AS o ON o.id = w.id
        WHERE o.id IS NULL OR \(microsecondsSQL("o.created_at")) <> w.at ORDER BY 1
        """
    }

    static func parameters(_ rows: [DeliveredRow]) -> [Parameter] {
        [
            .int8Array(rows.map(\.id)), .int8Array(rows.map(\.mark.createdAt)),
            .int8Array(rows.map { Int64($0.mark.transaction) }),
        ]
    }
}

extension Session {
    /// What the database is now.
    func history() async throws -> DatabaseHistory {
        try HistoryQuery.history(try await connection.query(HistoryQuery.text(schema)), schema).now
    }
}
