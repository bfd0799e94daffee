import Libpq

extension RelayStatus {
    /// Reads it all from the database, where the leader keeps what changes. It takes no locks that anybody waits for, and
    /// waits for none: what somebody has locked is left out, and who has it is told.
    ///
    /// - Parameter countLimit: where each count stops: what it costs is bounded by that.
    package init(reading session: Session, countLimit: Int64 = RelayStatus.countLimit) async throws(Refusal) {
        try await session.run("SET lock_timeout = '500ms'")
        let query = StatusQuery(session, countLimit: countLimit)
        let holder = try await query.leaderPID()
        let row = try await query.unlessLocked(StatusQuery.leaderSQL(session.schema))?.first
        leader = nil
        if let pid = holder {
            leader = Leader(
                pid: pid, applicationName: try await query.applicationName(pid) ?? "outbox-relay leader",
                host: row?.string(0), since: row?.string(1))
        }
        mode = holder == nil ? nil : row?.string(2)
        streaming = holder != nil && row?.bool(3) == true
        stoppedReason = row?.string(4)
        if holder != nil, let above = row?.int(9) {
            orderHold = OrderHold(
                pid: row?.int(5), gid: row?.string(6), applicationName: row?.string(7), seconds: row?.int(8) ?? 0,
                aboveID: above,
                row: row?.int(10).map {
                    Row(id: $0, isUnreadable: row?.string(12) == "t", reason: row?.string(11) ?? "")
                })
        }
        unpublished = try await query.unlessLocked(query.unpublishedSQL)?.first?.int(0)
        sinks = try await query.sinks(hasLeader: holder != nil)
        // Last, when whatever keeps the relay from working has kept it a moment longer.
        waits = try await query.waits(leader: holder)
        nameStandstill()
    }
}

/// The statements of ``RelayStatus``.
struct StatusQuery: Sendable {
    private let session: Session
    private let countLimit: Int

    /// - Parameter countLimit: where each count stops.
    init(_ session: Session, countLimit: Int64 = RelayStatus.countLimit) {
        self.session = session
        self.countLimit = Int(countLimit)
    }

    /// The rows of a statement; nil where a lock did not come in time.
    func unlessLocked(
        _ text: SQLText, _ parameters: [Parameter] = []
    ) async throws(Refusal) -> [ResultTable.Row]? {
        do {
            return try await session.connection.query(text, parameters).rows
        } catch {
            // lock_not_available (PostgreSQL documentation, appendix A).
            guard error.sqlState == "55P03" else { throw Refusal(error) }
            return nil
        }
    }

    /// The lock's holder, by the two halves of its key (PostgreSQL documentation, view pg_locks).
    func leaderPID() async throws(Refusal) -> Int64? {
        try await unlessLocked(
            """
            SELECT k.pid FROM pg_catalog.pg_locks AS k
            WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
              AND k.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
              AND ((k.classid::bigint << 32) | k.objid::bigint) = \(session.schema.leaderKeySQL)
            LIMIT 1
            """)?.first?.int(0)
    }

    func applicationName(_ pid: Int64) async throws(Refusal) -> String? {
        try await unlessLocked(
            "SELECT application_name FROM pg_catalog.pg_stat_activity WHERE pid = $1::int", [.int(pid)])?
            .first?.string(0)
    }

    /// The sinks; where somebody has the cursors locked, as far as their last reports say.
    func sinks(hasLeader: Bool) async throws(Refusal) -> [RelayStatus.Sink] {
        if let rows = try await unlessLocked(sinksSQL) {
            return rows.map { RelayStatus.Sink($0, hasLeader: hasLeader) }
        }
        let states = session.schema.table("outbox_sink_state")
        let reported = try await unlessLocked(
            """
            SELECT sink, configured, NULL::bigint, NULL::bigint, NULL::float8, NULL::bigint, state, last_error
            FROM \(states) ORDER BY sink
            """)
        return (reported ?? []).map { RelayStatus.Sink($0, hasLeader: hasLeader) }
    }

    /// What the sessions of the leader wait for: those that it recorded, and the one that has its lock, which may not have
    /// come to recording anything. Without any, what keeps a relay from beginning.
    func waits(leader: Int64?) async throws(Refusal) -> [SessionWait] {
        var recorded = try await unlessLocked(
            """
            SELECT s.pid, s.role FROM \(session.schema.table("outbox_leader_session")) AS s
            JOIN pg_catalog.pg_stat_activity AS a ON a.pid = s.pid AND a.backend_start = s.backend_start
            """)
        if recorded == nil { recorded = try await unlessLocked(Self.namedSessionsSQL) }
        var sessions = (recorded ?? []).compactMap { row in
            row.int(0).flatMap(Int32.init(exactly:)).map { WatchedSession(pid: $0, role: row.string(1) ?? "") }
        }
        if let pid = leader.flatMap(Int32.init(exactly:)), !sessions.contains(where: { $0.pid == pid }) {
            sessions.append(WatchedSession(pid: pid, role: "leader"))
        }
        if sessions.isEmpty { sessions = [WatchedSession(pid: session.backendPID, role: "admin")] }
        do {
            return try await SessionWaits(of: sessions, in: session.schema).read(session.connection)
        } catch {
            throw Refusal(error)
        }
    }

    /// By what they call themselves, where the record cannot be read.
    private static let namedSessionsSQL: SQLText = """
        SELECT pid, split_part(application_name, ' ', 2) FROM pg_catalog.pg_stat_activity
        WHERE datname = pg_catalog.current_database()
          AND split_part(application_name, ' ', 1) = 'outbox-relay'
          AND split_part(application_name, ' ', 2) IN ('leader', 'work', 'read', 'stream')
        """

    static func leaderSQL(_ schema: OutboxSchema) -> SQLText {
        """
        SELECT l.host, to_char(l.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), l.mode, l.streaming,
          l.stopped_reason, (l.order_hold ->> 'pid')::bigint, l.order_hold ->> 'gid',
          l.order_hold ->> 'application_name',
          greatest(0, extract(epoch FROM clock_timestamp() - (l.order_hold ->> 'since')::timestamptz))::bigint,
          (l.order_hold ->> 'above_id')::bigint, (l.order_hold ->> 'row_id')::bigint, l.order_hold ->> 'reason',
          (l.order_hold ->> 'unreadable')::boolean
        FROM \(schema.table("outbox_leader")) AS l
        """
    }

    var unpublishedSQL: SQLText {
        "SELECT count(*) FROM (SELECT FROM \(session.schema.unpublished) LIMIT \(countLimit)) AS u"
    }

    /// What a sink lacks: rows above its cursor, or above what it passes, and what is owed to it out of turn. A sink
    /// whose start is not fixed yet lacks what is unpublished, one that begins at the end nothing.
    ///
    /// Every count stops, and every other answer is made of the first rows of an index.
    private var sinksSQL: SQLText {
        let (schema, limit) = (session.schema, countLimit)
        let outbox = schema.table
        return """
            WITH place AS (
              SELECT s.name, s.delivered_through, s.removing,
                CASE WHEN s.start = 'latest' OR s.removing THEN NULL
                     WHEN s.start = 'oldest' THEN COALESCE((SELECT min(id) - 1 FROM \(schema.unpublished)),
                                                           (SELECT max(id) FROM \(outbox)))
                     ELSE greatest(s.delivered_through, s.pass_through) END AS above
              FROM \(schema.table("outbox_sink")) AS s
            )
            SELECT p.name, COALESCE(c.configured, false), p.delivered_through,
              COALESCE(lag.events, 0) + COALESCE(late.events, 0),
              greatest(0, COALESCE(extract(epoch FROM clock_timestamp() - least(lag.oldest, late.oldest)), 0)),
              (SELECT count(*) FROM (SELECT FROM \(schema.table("outbox_parked")) AS k WHERE k.sink = p.name LIMIT \(limit)) AS n),
              COALESCE(c.state, 'stopped'), c.last_error
            FROM place AS p
            LEFT JOIN \(schema.table("outbox_sink_state")) AS c ON c.sink = p.name
            LEFT JOIN LATERAL (
              SELECT (SELECT count(*) FROM (SELECT FROM \(outbox) AS o WHERE o.id > p.above LIMIT \(limit)) AS n) AS events,
                (SELECT min(f.created_at) FROM (SELECT o.created_at FROM \(outbox) AS o WHERE o.id > p.above
                                                ORDER BY o.id LIMIT 1000) AS f) AS oldest
            ) AS lag ON p.above IS NOT NULL
            LEFT JOIN LATERAL (
              SELECT (SELECT count(*) FROM (SELECT FROM \(schema.table("outbox_late")) AS l
                                            WHERE l.sink BETWEEN p.name AND p.name AND NOT l.delivered
                                            LIMIT \(limit)) AS n) AS events,
                (SELECT min(o.created_at) FROM (SELECT l.id FROM \(schema.table("outbox_late")) AS l
                                                WHERE l.sink BETWEEN p.name AND p.name AND NOT l.delivered
                                                ORDER BY l.sink, l.id LIMIT 1000) AS f
                 CROSS JOIN LATERAL (SELECT created_at FROM \(outbox) AS r WHERE r.id = f.id LIMIT 1) AS o) AS oldest
            ) AS late ON NOT p.removing
            ORDER BY p.name
            """
    }
}

extension RelayStatus.Sink {
    fileprivate init(_ row: ResultTable.Row, hasLeader: Bool) {
        name = row.string(0) ?? ""
        configured = row.bool(1) ?? false
        deliveredThrough = row.int(2)
        lagEvents = row.int(3)
        lagSeconds = row.string(4).flatMap { Double($0) }
        parked = row.int(5)
        state = hasLeader ? row.string(6) ?? "stopped" : "stopped"
        lastError = row.string(7)
    }
}
