import Libpq
import RelayCore

extension LeaderSession {
    /// Opens a further session of this leader: on the same server, and recorded before its first use.
    func openFurther(_ role: SessionRole, _ settings: PostgresSettings) async throws -> Session {
        let further = try await openSession(
            settings.target, on: settings.thread, role: role,
            timeouts: .standard(for: role, leaderTimeout: settings.leaderTimeout), timeout: .seconds(5),
            schema: session.schema)
        do {
            guard try await further.seesLeader(session.backendPID) else {
                throw PostgresError(
                    .connection,
                    "a second connection reached another server; all hosts of the conninfo must lead to the same server"
                )
            }
            guard try await record(further, role: role) else { throw Deposed() }
            return further
        } catch {
            await further.connection.close()
            throw error
        }
    }

    /// Records a further session under this epoch, before its first use. Sessions of it that are gone are forgotten: a
    /// leader that opens many, one after the other, leaves no trail.
    ///
    /// - Returns: whether this epoch still stands.
    package func record(_ other: Session, role: SessionRole) async throws -> Bool {
        let table = try await query(
            """
            WITH gone AS (
              DELETE FROM outbox_leader_session AS s WHERE s.epoch = $3::bigint AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = s.pid AND a.backend_start = s.backend_start)
              RETURNING s.pid),
            added AS (
              INSERT INTO outbox_leader_session (pid, backend_start, epoch, role)
              SELECT $1::int, $2::timestamptz, $3::bigint, $4 FROM outbox_leader WHERE epoch = $3::bigint
              ON CONFLICT (pid, backend_start) DO NOTHING RETURNING pid)
            SELECT pid, true FROM added UNION ALL SELECT pid, false FROM gone
            """,
            [.int(Int64(other.backendPID)), .text(other.backendStart), .int(epoch), .text(role.rawValue)])
        guard table.rows.contains(where: { $0.bool(1) == true }) else { return false }
        let gone = table.rows.compactMap { $0.bool(1) == false ? $0.int(0) : nil }
        remember(
            RecordedSession(pid: other.backendPID, backendStart: other.backendStart, role: role.rawValue),
            without: Set(gone))
        return true
    }
}

extension Session {
    /// Says in `pg_stat_activity` what the session has become.
    func rename(_ role: SessionRole, _ target: ConnectionTarget) async throws {
        let name = target.named(for: role)["application_name"] ?? ""
        try await connection.query("SELECT pg_catalog.set_config('application_name', $1, false)", [.text(name)])
    }

    /// Whether this session is on the server where the leader's lock is held by `leaderPID`: with several hosts, a proxy
    /// or a name that changed it might not be.
    package func seesLeader(_ leaderPID: Int32) async throws -> Bool {
        // The simple protocol, since a replication session knows no other.
        let tables = try await connection.execute(
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_locks AS l, (SELECT \(schema.leaderKeySQL) AS key) AS k
              WHERE l.locktype = 'advisory' AND l.granted AND l.pid = \(Int(leaderPID)) AND l.objsubid = 1
                AND l.classid = ((k.key >> 32) & 4294967295)::oid AND l.objid = (k.key & 4294967295)::oid
                AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
            """)
        return tables.last?.bool(0, 0) ?? false
    }
}
