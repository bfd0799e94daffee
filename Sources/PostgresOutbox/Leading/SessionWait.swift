import Libpq

/// A session of this leader that waits on the server, and for whom.
package struct SessionWait: Hashable, Sendable {
    /// A session that somebody waits for.
    package struct Blocker: Hashable, Sendable {
        /// 0 for a prepared transaction.
        package var pid: Int32
        package var applicationName: String

        package init(pid: Int32, applicationName: String) {
            self.pid = pid
            self.applicationName = applicationName
        }
    }

    package var pid: Int32
    /// What it is to the relay, as ``SessionRole`` has it.
    package var role: String
    /// The server's words for what it waits for, such as `Lock: relation` or `IPC: SyncRep`.
    package var what: String
    /// The table or index whose lock it waits for, where it is one.
    package var relation: String?
    /// For so long it has waited.
    package var seconds: Double
    package var blockers: [Blocker]

    /// Such as `session work (pid 12) waits for the lock on outbox_sink, which pid 7 (psql) holds`.
    package var sentence: String {
        let goal =
            if let relation { "the lock on \(relation)" } else if what == "IPC: SyncRep" {
                "a synchronous standby to confirm its COMMIT"
            } else { what }
        let holders = blockers.map { blocker in
            blocker.pid == 0 ? "a prepared transaction" : "pid \(blocker.pid) (\(blocker.applicationName))"
        }
        let who =
            holders.isEmpty
            ? "" : ", which \(holders.joined(separator: " and ")) " + (holders.count > 1 ? "hold" : "holds")
        return "session \(role) (pid \(pid)) waits for \(goal)\(who)"
    }
}

/// A session that is recorded as this leader's.
struct RecordedSession: Hashable, Sendable {
    var pid: Int32
    var backendStart: String
    var role: String
}

extension LeaderSession {
    /// What the recorded sessions of this leader wait for on the server: a lock, a standby. Sessions that work, or wait for
    /// the relay, are not among them.
    ///
    /// It reads no table that anybody could have locked.
    package func waits() async throws -> [SessionWait] {
        let sessions = recorded
        guard !sessions.isEmpty else { return [] }
        let table = try await query(
            """
            SELECT s.pid, s.role, a.wait_event_type || ': ' || a.wait_event, w.relation::pg_catalog.regclass::text,
              extract(epoch FROM clock_timestamp() - coalesce(w.waitstart, a.query_start)), b.pid, h.application_name
            FROM ROWS FROM (unnest($1::int[]), unnest($2::timestamptz[]), unnest($3::text[])) AS s (pid, start, role)
            JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.pid AND a.backend_start = s.start
            LEFT JOIN LATERAL (SELECT l.relation, l.waitstart FROM pg_catalog.pg_locks AS l
              WHERE l.pid = s.pid AND NOT l.granted LIMIT 1) AS w ON a.wait_event_type = 'Lock'
            LEFT JOIN LATERAL (SELECT DISTINCT p.pid FROM unnest(pg_catalog.pg_blocking_pids(s.pid)) AS p (pid)) AS b
              ON a.wait_event_type = 'Lock'
            LEFT JOIN pg_catalog.pg_stat_activity AS h ON h.pid = b.pid
            WHERE a.state = 'active' AND (a.wait_event_type IN ('Lock', 'BufferPin')
              OR a.wait_event_type = 'IPC' AND s.role <> 'stream')
            ORDER BY s.pid, b.pid
            """,
            [
                .int8Array(sessions.map { Int64($0.pid) }), .textArray(sessions.map(\.backendStart)),
                .textArray(sessions.map(\.role)),
            ])
        var waits: [SessionWait] = []
        for row in table.rows {
            guard let pid = row.int(0).flatMap(Int32.init(exactly:)) else { continue }
            if waits.last?.pid != pid {
                waits.append(
                    SessionWait(
                        pid: pid, role: row.string(1) ?? "", what: row.string(2) ?? "", relation: row.string(3),
                        seconds: max(0, row.string(4).flatMap(Double.init) ?? 0), blockers: []))
            }
            if let blocker = row.int(5).flatMap(Int32.init(exactly:)) {
                waits[waits.count - 1].blockers.append(.init(pid: blocker, applicationName: row.string(6) ?? ""))
            }
        }
        return waits
    }
}
