import Libpq
import RelayCore

/// A session of a predecessor that is still alive.
package struct LingeringSession: Hashable, Sendable {
    package var pid: Int32
    package var role: String
}

extension LeaderSession {
    /// Ends the sessions of former leaders.
    ///
    /// - Returns: those that are not gone yet.
    package func endPredecessors() async throws -> [LingeringSession] {
        let table = try await query(
            """
            SELECT s.pid, s.role, pg_catalog.pg_terminate_backend(s.pid) FROM outbox_leader_session AS s
            JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.pid AND a.backend_start = s.backend_start
            WHERE s.pid <> pg_catalog.pg_backend_pid()
            """)
        return table.rows.compactMap { row in
            row.int(0).map { LingeringSession(pid: Int32(truncatingIfNeeded: $0), role: row.string(1) ?? "") }
        }
    }

    /// Begins a new epoch, in a transaction that finds none of the recorded sessions alive. It counts once
    /// ``commitEpoch(_:)`` has returned; where that fails the outcome is open.
    ///
    /// - Returns: nil where one of them is, or a stop stands.
    package func raiseEpoch() async throws -> Succession? {
        let raise = Statement(
            """
            WITH old AS (SELECT epoch, postmaster_start, timeline FROM outbox_leader FOR UPDATE),
              here AS (SELECT \(Self.here))
            UPDATE outbox_leader AS l SET epoch = old.epoch + 1, host = $1,
              since = clock_timestamp(), order_hold = NULL, streaming = false
            FROM old, here
            WHERE l.stopped_reason IS NULL AND NOT EXISTS (
              SELECT FROM outbox_leader_session AS s JOIN pg_catalog.pg_stat_activity AS a
                ON a.pid = s.pid AND a.backend_start = s.backend_start WHERE s.pid <> pg_catalog.pg_backend_pid())
            RETURNING l.epoch, old.epoch,
              coalesce(old.postmaster_start <> here.start OR old.timeline <> here.line, here.line > 1)
            """, [.text(host)])
        let leading = Statement(
            """
            SELECT s.pid, s.backend_start FROM outbox_leader_session AS s, outbox_leader AS l
              WHERE s.role = 'leader' AND s.epoch = l.epoch - 1
            """)
        let tables = try await run(
            [.begin, Statement("SET LOCAL synchronous_commit = local"), raise, leading])
        guard tables.count == 4, let row = tables[2].rows.first, let epoch = row.int(0),
            let previous = row.int(1)
        else {
            try await session.connection.rollBack()
            return nil
        }
        let leader = tables.last?.rows.first.flatMap { row in
            row.int(0).map { SessionMark(pid: $0, backendStart: row.string(1) ?? "") }
        }
        return Succession(
            epoch: epoch, previousEpoch: previous, previousLeader: leader, serverIsNew: row.bool(2) ?? false)
    }

    /// Ends the transaction in which the epoch was raised: from here on this session leads.
    package func commitEpoch(_ succession: Succession) async throws {
        let record = Statement(
            """
            INSERT INTO outbox_leader_session (pid, backend_start, epoch, role)
              VALUES ($1::int, $2::timestamptz, $3::bigint, 'leader')
            """,
            [.int(Int64(session.backendPID)), .text(session.backendStart), .int(succession.epoch)])
        try await run([Statement("DELETE FROM outbox_leader_session"), record, .commit])
        lead(epoch: succession.epoch)
    }

    /// The server, as far as a restart or a promotion makes it another one.
    private static let here: SQLText = """
        pg_catalog.pg_postmaster_start_time() AS start,
          (('x' || substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8))::bit(32))::bigint AS line
        """

    /// Records the server that this session leads on. Until then whoever takes over finds it new, and waits for everybody to
    /// check: a leader that is lost while it waits has waited for nobody.
    package func recordServer() async throws {
        let record = Statement(
            """
            UPDATE outbox_leader SET postmaster_start = here.start, timeline = here.line
            FROM (SELECT \(Self.here)) AS here
            WHERE epoch = $1 AND (postmaster_start, timeline) IS DISTINCT FROM (here.start, here.line)
            """, [.int(epoch)])
        try await run([.begin, Statement("SET LOCAL synchronous_commit = local"), record, .commit])
    }

    nonisolated var mark: SessionMark {
        SessionMark(pid: Int64(session.backendPID), backendStart: session.backendStart)
    }
}
