import Libpq

extension RelayStatus {
    /// Reads it all from the database, where the leader keeps what changes. It takes no locks that anybody waits for.
    package init(reading session: Session) async throws(Refusal) {
        let inspector = Inspector(session)
        let schema = session.schema
        let row = try await inspector.rows(Self.leaderSQL(schema)).first
        let pid = row?.int(0)
        leader = pid.map {
            Leader(
                pid: $0, applicationName: row?.string(1) ?? "outbox-relay leader", host: row?.string(2),
                since: row?.string(3))
        }
        mode = pid == nil ? nil : row?.string(4)
        streaming = pid != nil && row?.bool(5) == true
        stoppedReason = row?.string(6)
        if pid != nil, let above = row?.int(11) {
            orderHold = OrderHold(
                pid: row?.int(7), gid: row?.string(8), applicationName: row?.string(9), seconds: row?.int(10) ?? 0,
                aboveID: above)
        }
        unpublished =
            try await inspector.rows(
                "SELECT count(*) FROM (SELECT FROM \(schema.unpublished) LIMIT \(Self.countLimit)) AS u"
            ).first?.int(0) ?? 0
        let hasLeader = pid != nil
        sinks = try await inspector.rows(Self.sinksSQL(schema)).map { Sink($0, hasLeader: hasLeader) }
    }

    /// The lock's holder, by the two halves of its key (PostgreSQL documentation, view pg_locks).
    private static func leaderSQL(_ schema: OutboxSchema) -> String {
        """
        SELECT h.pid, a.application_name, l.host,
          to_char(l.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), l.mode, l.streaming, l.stopped_reason,
          (l.order_hold ->> 'pid')::bigint, l.order_hold ->> 'gid', l.order_hold ->> 'application_name',
          greatest(0, extract(epoch FROM clock_timestamp() - (l.order_hold ->> 'since')::timestamptz))::bigint,
          (l.order_hold ->> 'above_id')::bigint
        FROM \(schema.table("outbox_leader")) AS l
        LEFT JOIN (
          SELECT k.pid FROM pg_catalog.pg_locks AS k
          WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
            AND k.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
            AND ((k.classid::bigint << 32) | k.objid::bigint) = \(schema.leaderKeySQL)
          LIMIT 1
        ) AS h ON true
        LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = h.pid
        """
    }

    /// What a sink lacks: rows above its cursor, or above what it passes, and what is owed to it out of turn. A sink
    /// whose start is not fixed yet lacks what is unpublished, one that begins at the end nothing.
    private static func sinksSQL(_ schema: OutboxSchema) -> String {
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
              (SELECT count(*) FROM \(schema.table("outbox_parked")) AS k WHERE k.sink = p.name),
              COALESCE(c.state, 'stopped'), c.last_error
            FROM place AS p
            LEFT JOIN \(schema.table("outbox_sink_state")) AS c ON c.sink = p.name
            LEFT JOIN LATERAL (
              SELECT (SELECT count(*) FROM (SELECT FROM \(outbox) AS o WHERE o.id > p.above LIMIT \(countLimit)) AS n) AS events,
                (SELECT min(f.created_at) FROM (SELECT o.created_at FROM \(outbox) AS o WHERE o.id > p.above
                                                ORDER BY o.id LIMIT 1000) AS f) AS oldest
            ) AS lag ON p.above IS NOT NULL
            LEFT JOIN LATERAL (
              SELECT count(*) AS events, min(o.created_at) AS oldest
              FROM \(schema.table("outbox_late")) AS l JOIN \(outbox) AS o ON o.id = l.id
              WHERE l.sink = p.name AND NOT l.delivered AND NOT p.removing
            ) AS late ON true
            ORDER BY p.name
            """
    }
}

extension RelayStatus.Sink {
    fileprivate init(_ row: ResultTable.Row, hasLeader: Bool) {
        name = row.string(0) ?? ""
        configured = row.bool(1) ?? false
        deliveredThrough = row.int(2) ?? 0
        lagEvents = row.int(3) ?? 0
        lagSeconds = row.string(4).flatMap { Double($0) } ?? 0
        parked = row.int(5) ?? 0
        state = hasLeader ? row.string(6) ?? "stopped" : "stopped"
        lastError = row.string(7)
    }
}
