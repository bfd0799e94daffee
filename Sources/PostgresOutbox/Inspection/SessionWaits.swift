import Libpq

/// What a session of a relay waits for: seen from outside, since a session that is stuck cannot say it.
package struct SessionWait: Sendable, Hashable {
    /// Who has what the session waits for; a prepared transaction has a gid and no pid.
    package struct Holder: Sendable, Hashable {
        package var pid: Int32?
        package var gid: String?
        package var applicationName: String?

        package init(pid: Int32?, gid: String? = nil, applicationName: String? = nil) {
            self.pid = pid
            self.gid = gid
            self.applicationName = applicationName
        }
    }

    /// `leader`, `work`, `read`, `stream`, …
    package var role: String
    package var pid: Int32
    /// How long it has waited, or how long what it waits for has been kept from it where that is longer: a session that
    /// gives up now and then and tries again has not waited for long at any time.
    package var seconds: Double
    /// `lock on outbox_sink`, `synchronous standby`, …
    package var cause: String
    package var heldBy: [Holder]

    package init(role: String, pid: Int32, seconds: Double, cause: String, heldBy: [Holder] = []) {
        self.role = role
        self.pid = pid
        self.seconds = seconds
        self.cause = cause
        self.heldBy = heldBy
    }

    /// The cause of a COMMIT that waits for a synchronous standby.
    static let standby = "synchronous standby"

    /// In a few words: `lock on outbox_sink, held by pid 4711 (psql)`.
    package var text: String {
        guard !heldBy.isEmpty else { return cause }
        return cause + ", held by " + heldBy.map(\.text).joined(separator: " and ")
    }
}

extension SessionWait.Holder {
    /// `pid 4711 (psql)`, or `prepared transaction x`.
    package var text: String {
        if let gid { return "prepared transaction \(gid)" }
        let name = applicationName ?? ""
        return "pid \(pid ?? 0)" + (name.isEmpty ? "" : " (\(name))")
    }
}

/// A session to ask about.
package struct WatchedSession: Sendable, Hashable {
    package var pid: Int32
    package var role: String

    package init(pid: Int32, role: String) {
        self.pid = pid
        self.role = role
    }
}

/// Asks what sessions wait for, as `pg_stat_activity` and `pg_locks` have it; no table of the outbox is read.
package struct SessionWaits: Sendable {
    private let sessions: [WatchedSession]
    private let schema: OutboxSchema

    package init(of sessions: [WatchedSession], in schema: OutboxSchema) {
        self.sessions = sessions
        self.schema = schema
    }

    /// Those that have waited for a second or longer, as of now; not for use in a transaction, in which
    /// `pg_stat_activity` stands still.
    package func read(_ connection: Connection) async throws(PostgresError) -> [SessionWait] {
        Self.waits(try await connection.query(Self.statement, parameters))
    }

    /// For ``statement``.
    package var parameters: [Parameter] {
        [
            .int8Array(sessions.map { Int64($0.pid) }), .textArray(sessions.map(\.role)),
            .textArray(Self.written.map { schema.table($0).text }), .textArray(Self.read.map { schema.table($0).text }),
        ]
    }

    /// What every settlement writes to.
    private static let written: [SQLText] = ["outbox", "outbox_unpublished", "outbox_published", "outbox_sink"]
    /// What every settlement reads.
    private static let read: [SQLText] = ["outbox_leader", "outbox_absent", "outbox_late"]

    /// One row for each wait and each of its holders.
    ///
    /// - `busy`: what the sessions are at. A lock that is waited for is in `pg_locks`, with the time; another wait has
    ///   lasted as long as its statement (a COMMIT that waits for a standby).
    /// - `holder`: who has the lock, and for how long at least as far as that can be told: since the last change of one that
    ///   is idle in its transaction, since the beginning of its statement of one that works.
    /// - `kept`: a lock that lets nobody settle, while the work session does not wait at this very moment: it gives up after
    ///   `lock_timeout` and tries again. Where there is none it is told of the first session that was given.
    package static let statement: SQLText = """
        WITH session AS (SELECT pid::int, role FROM unnest($1::bigint[], $2::text[]) AS s (pid, role)),
        held AS MATERIALIZED (SELECT * FROM pg_catalog.pg_locks),
        doing AS MATERIALIZED (
          SELECT a.pid, a.application_name, a.state, a.wait_event_type, a.wait_event, a.query_start,
            extract(epoch FROM clock_timestamp() - CASE WHEN a.state LIKE 'idle in transaction%' THEN a.state_change
                                                        ELSE a.query_start END)::float8 AS holds
          FROM pg_catalog.pg_stat_activity AS a),
        busy AS (
          SELECT s.role, s.pid, l.locktype, l.relation, l.transactionid, d.wait_event_type, d.wait_event,
            extract(epoch FROM clock_timestamp() - coalesce(l.waitstart, d.query_start))::float8 AS waited
          FROM session AS s JOIN doing AS d ON d.pid = s.pid LEFT JOIN held AS l ON l.pid = s.pid AND NOT l.granted
          WHERE d.state = 'active' AND (l.pid IS NOT NULL OR s.role <> 'stream')
            AND d.pid <> pg_catalog.pg_backend_pid()),
        holder AS (
          SELECT b.pid AS waiter, nullif(h.pid, 0) AS pid
          FROM busy AS b CROSS JOIN LATERAL unnest(pg_catalog.pg_blocking_pids(b.pid)) AS h (pid)
          WHERE b.locktype IS NOT NULL),
        kept AS (
          SELECT s.role, s.pid AS waiter, l.pid, l.relation
          FROM held AS l
          CROSS JOIN (SELECT role, pid FROM session ORDER BY role <> 'work', role <> 'leader', pid LIMIT 1) AS s
          WHERE l.locktype = 'relation' AND l.granted
            AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            AND (l.mode = 'AccessExclusiveLock' AND l.relation IN (SELECT pg_catalog.to_regclass(n) FROM unnest($4::text[]) AS n)
                 OR l.mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
                    AND l.relation IN (SELECT pg_catalog.to_regclass(n) FROM unnest($3::text[]) AS n))
            AND NOT EXISTS (SELECT FROM session WHERE session.pid = l.pid)
            AND NOT EXISTS (
              SELECT FROM busy WHERE busy.pid = s.pid AND (busy.locktype IS NOT NULL OR busy.waited >= 1))),
        waiting AS (
          SELECT b.role, b.pid, b.waited, h.pid AS holder, h.waiter IS NOT NULL AS is_held, b.relation,
            b.transactionid,
            CASE WHEN b.locktype IN ('relation', 'extend') THEN 'lock on ' || c.relname
                 WHEN b.locktype = 'tuple' THEN 'lock on a row of ' || c.relname
                 WHEN b.locktype = 'transactionid' THEN 'lock on a row, or the end of a transaction'
                 WHEN b.locktype = 'virtualxid' THEN 'the end of a transaction'
                 WHEN b.locktype IS NOT NULL THEN b.locktype || ' lock'
                 WHEN b.wait_event = 'SyncRep' THEN \(SQLText(constant: SessionWait.standby))
                 WHEN b.wait_event = 'ClientWrite' THEN 'the relay to read an answer'
                 WHEN b.wait_event IS NOT NULL THEN b.wait_event_type || ' ' || b.wait_event
                 ELSE 'its statement to end' END AS cause
          FROM busy AS b LEFT JOIN holder AS h ON h.waiter = b.pid
          LEFT JOIN pg_catalog.pg_class AS c ON c.oid = b.relation
          UNION ALL
          SELECT k.role, k.waiter, 0, k.pid, true, k.relation, NULL, 'lock on ' || c.relname
          FROM kept AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.relation)
        SELECT w.role, w.pid, greatest(w.waited, d.holds, p.holds), w.cause, w.is_held, w.holder, p.gid,
          d.application_name
        FROM waiting AS w LEFT JOIN doing AS d ON d.pid = w.holder
        LEFT JOIN LATERAL (
          -- A prepared transaction: its locks have no pid, and one of them tells its number.
          SELECT x.gid, extract(epoch FROM clock_timestamp() - x.prepared)::float8 AS holds
          FROM held AS l JOIN held AS t ON t.virtualtransaction = l.virtualtransaction AND t.pid IS NULL
            AND t.locktype = 'transactionid' AND t.granted
          JOIN pg_catalog.pg_prepared_xacts AS x ON x.transaction = t.transactionid
          WHERE l.pid IS NULL AND l.granted AND (l.relation = w.relation OR t.transactionid = w.transactionid) ORDER BY x.prepared LIMIT 1
        ) AS p ON w.is_held AND w.holder IS NULL
        WHERE greatest(w.waited, d.holds, p.holds) >= 1
        ORDER BY w.role, w.pid, w.cause, w.holder
        """

    /// What ``statement`` answered.
    package static func waits(_ table: ResultTable) -> [SessionWait] {
        var waits: [SessionWait] = []
        for row in table.rows {
            guard let pid = row.int(1).flatMap(Int32.init(exactly:)), let cause = row.string(3) else { continue }
            let seconds = row.string(2).flatMap(Double.init) ?? 0
            if waits.last?.pid != pid || waits.last?.cause != cause {
                waits.append(SessionWait(role: row.string(0) ?? "", pid: pid, seconds: seconds, cause: cause))
            }
            let last = waits.count - 1
            waits[last].seconds = max(waits[last].seconds, seconds)
            guard row.bool(4) == true else { continue }
            let holder = SessionWait.Holder(
                pid: row.int(5).flatMap(Int32.init(exactly:)), gid: row.string(6), applicationName: row.string(7))
            if !waits[last].heldBy.contains(holder) { waits[last].heldBy.append(holder) }
        }
        return waits
    }
}
