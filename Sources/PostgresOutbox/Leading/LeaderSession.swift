import Libpq
import RelayCore

/// The session that holds the leader's lock, or waits for it. Nothing large passes through it, and it never waits behind a settlement.
package actor LeaderSession {
    package nonisolated let session: Session
    var connection: Connection { session.connection }
    let host: String
    /// What a statement may take. A network that hangs says nothing: who leads must find out by itself.
    let limit: Duration
    package private(set) var epoch: Int64 = 0
    /// The sessions that are recorded under this epoch, without those that are gone.
    private(set) var recorded: [RecordedSession] = []

    /// With its connection: a call between the two is a call, and not a job in the queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe session.connection.unownedExecutor }

    package init(_ session: Session, host: String, limit: Duration) {
        self.session = session
        self.host = host
        self.limit = limit
    }

    package func close() async { await session.connection.close() }

    /// Runs statements; the connection is lost where the server does not answer in time.
    @discardableResult
    func run(_ statements: [Statement]) async throws(PostgresError) -> [ResultTable] {
        do {
            return try await connection.run(statements, timeout: limit)
        } catch {
            throw await named(error)
        }
    }

    /// Runs one statement; the connection is lost where the server does not answer in time.
    @discardableResult
    func query(_ text: SQLText, _ parameters: [Parameter] = []) async throws(PostgresError) -> ResultTable {
        do {
            return try await connection.query(text, parameters, timeout: limit)
        } catch {
            throw await named(error)
        }
    }

    /// Tries the lock once; it is held to the end of the session.
    package func tryLock() async throws -> Bool {
        try await query("SELECT pg_catalog.pg_try_advisory_lock(\(session.schema.leaderKeySQL))")
            .bool(0, 0) ?? false
    }

    /// The backend that holds the lock; nil where nobody does any more.
    package func holderOfLock() async throws -> Int32? {
        try await query(
            """
            SELECT l.pid FROM pg_catalog.pg_locks AS l, (SELECT \(session.schema.leaderKeySQL) AS key) AS k
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
              AND l.classid = ((k.key >> 32) & 4294967295)::oid AND l.objid = (k.key & 4294967295)::oid
              AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
            """
        ).rows.first?.int(0).flatMap(Int32.init(exactly:))
    }

    /// The sequence's last value, then those who hold its lock: two statements, in this order.
    package func scan() async throws -> SequenceScan {
        let tables = try await run(SequenceScan.statements(session.schema.sequence))
        return try SequenceScan(tables)
    }

    /// Who holds the sequence: for the log and for `status`.
    package func describe(_ holder: SequenceHolder) async throws -> HolderDescription? {
        if let pid = holder.pid {
            let row = try await query(
                """
                SELECT application_name, extract(epoch FROM clock_timestamp() - xact_start), xact_start
                FROM pg_catalog.pg_stat_activity WHERE pid = $1::int
                """, [.int(Int64(pid))])
            guard row.rowCount > 0 else { return nil }
            return HolderDescription(
                pid: pid, gid: nil, applicationName: row.string(0, 0) ?? "",
                seconds: row.string(0, 1).flatMap(Double.init) ?? 0, since: row.string(0, 2) ?? "")
        }
        // A prepared transaction's virtual transaction ends in its id on some servers; else the oldest is the likeliest.
        let number = holder.virtualTransaction.split(separator: "/").last.map(String.init) ?? ""
        let row = try await query(
            """
            SELECT gid, extract(epoch FROM clock_timestamp() - prepared), prepared FROM pg_catalog.pg_prepared_xacts
            WHERE database = pg_catalog.current_database() ORDER BY transaction::text = $1 DESC, prepared LIMIT 1
            """, [.text(number)])
        guard row.rowCount > 0 else { return nil }
        return HolderDescription(
            pid: nil, gid: row.string(0, 0), applicationName: "", seconds: row.string(0, 1).flatMap(Double.init) ?? 0,
            since: row.string(0, 2) ?? "")
    }

    /// Who has a row locked, if that can be told.
    package func describeLock(ofRow id: Int64) async throws -> HolderDescription? {
        let row = try await query(
            """
            SELECT a.pid, a.application_name, extract(epoch FROM clock_timestamp() - a.xact_start), a.xact_start
            FROM \(session.schema.unpublished) AS o
            JOIN pg_catalog.pg_locks AS l ON l.locktype = 'transactionid' AND l.granted AND l.transactionid = o.xmax
            JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
            WHERE o.id = $1::bigint LIMIT 1
            """, [.int(id)])
        guard row.rowCount > 0 else { return nil }
        return HolderDescription(
            pid: row.int(0, 0).flatMap(Int32.init(exactly:)), gid: nil, applicationName: row.string(0, 1) ?? "",
            seconds: row.string(0, 2).flatMap(Double.init) ?? 0, since: row.string(0, 3) ?? "")
    }

    /// What begins at this moment, and is nobody's.
    func describeMoment() async throws -> HolderDescription {
        let since = try await query("SELECT clock_timestamp()", []).string(0, 0) ?? ""
        return HolderDescription(pid: nil, gid: nil, applicationName: "", seconds: 0, since: since)
    }

    func lead(epoch: Int64) { self.epoch = epoch }
    func remember(_ other: RecordedSession, without gone: Set<Int64>) {
        recorded = recorded.filter { !gone.contains(Int64($0.pid)) } + [other]
    }
}
