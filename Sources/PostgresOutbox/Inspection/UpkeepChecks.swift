import Libpq

extension Inspector {
    /// The relay's tables whose rows change all the time: dead ones pile up wherever nothing vacuums.
    private var churning: Parameter {
        let schema = session.schema
        let own: [SQLText] = ["outbox_sink", "outbox_sink_state", "outbox_leader", "outbox_absent", "outbox_late"]
        return .textArray([schema.unpublished.sql.text] + own.map { schema.table($0).text })
    }

    /// Whether the server removes dead rows by itself, and counts them for it.
    func autovacuumCheck() async throws(Refusal) -> Check {
        let row = try await rows(
            """
            SELECT pg_catalog.current_setting('autovacuum')::boolean,
              pg_catalog.current_setting('track_counts')::boolean,
              (SELECT pg_catalog.string_agg(c.oid::pg_catalog.regclass::text, ', ' ORDER BY c.relname)
               FROM pg_catalog.unnest($1::text[]) AS t(name)
               JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(t.name)
               WHERE EXISTS (SELECT FROM pg_catalog.pg_options_to_table(c.reloptions) AS o
                             WHERE o.option_name = 'autovacuum_enabled' AND NOT o.option_value::boolean))
            """, [churning]
        ).first
        func failed(_ problem: String, _ remedy: String) -> Check {
            .failed(
                "autovacuum", severity: .warning, "\(problem), so dead rows pile up and every claim reads past them",
                remedy: remedy)
        }
        if row?.bool(0) == false { return failed("autovacuum is off", "set autovacuum = on") }
        if row?.bool(1) == false {
            return failed("track_counts is off, without which autovacuum does nothing", "set track_counts = on")
        }
        guard let tables = row?.string(2) else { return .passed("autovacuum", severity: .warning) }
        return failed(
            "autovacuum is off for \(tables)", "run ALTER TABLE … RESET (autovacuum_enabled) for each of them")
    }

    /// Dead rows that nothing has removed for minutes. The server's count is an estimate: there are no more of them
    /// than fit into the table's pages, 291 into one of 8 KiB (PostgreSQL source, MaxHeapTuplesPerPage).
    ///
    /// A busy outbox has some ten thousand between two rounds of autovacuum, which takes a minute to come again.
    func bloatCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            """
            SELECT c.oid::pg_catalog.regclass::text, v.dead, v.live,
              extract(epoch FROM clock_timestamp() - v.vacuumed)::bigint / 60, pg_catalog.pg_size_pretty(v.size)
            FROM pg_catalog.unnest($1::text[]) AS t(name)
            CROSS JOIN LATERAL (SELECT pg_catalog.to_regclass(t.name)::pg_catalog.oid AS oid) AS c
            CROSS JOIN LATERAL (
              SELECT pg_catalog.pg_relation_size(c.oid) AS size, pg_catalog.pg_stat_get_live_tuples(c.oid) AS live,
                least(pg_catalog.pg_stat_get_dead_tuples(c.oid),
                      pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int * 291) AS dead,
                greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
                         pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed
            ) AS v
            WHERE v.dead >= 100000 AND v.dead > v.live
              AND (v.vacuumed IS NULL OR v.vacuumed < clock_timestamp() - interval '5 minutes' OR v.dead >= 5000000)
            ORDER BY v.dead DESC LIMIT 1
            """, [churning])
        guard let row = found.first, let table = row.string(0) else { return .passed("bloat", severity: .warning) }
        let vacuumed = row.int(3).map { "was vacuumed \($0) minutes ago" } ?? "was never vacuumed"
        return .failed(
            "bloat", severity: .warning,
            "\(table) has \(row.int(1) ?? 0) dead rows beside \(row.int(2) ?? 0) live ones in \(row.string(4) ?? "")"
                + " and \(vacuumed)",
            remedy: "run VACUUM \(table), and see to what autovacuum and vacuum_horizon say here")
    }

    /// Who keeps dead rows from being removed: vacuum spares what the oldest transaction might still see (PostgreSQL
    /// documentation, 25.1).
    ///
    /// - Parameters:
    ///   - seconds: how long a transaction may be open before it is named.
    ///   - transactions: how far a standby or a slot may be behind, which tell no time.
    func vacuumHorizonCheck(
        olderThan seconds: Int64 = 600, or transactions: Int64 = 1_000_000
    ) async throws(Refusal) -> Check {
        guard try await seesAllSessions() else {
            return .notChecked(
                "vacuum_horizon", "the role cannot see since when other sessions' transactions are open",
                remedy: "grant it pg_read_all_stats")
        }
        let found = try await rows(
            """
            SELECT h.name || coalesce(' for ' || h.seconds || ' s', '') FROM (
              SELECT 'pid ' || a.pid || coalesce(' (' || nullif(a.application_name, '') || ')', '') AS name,
                extract(epoch FROM clock_timestamp() - a.xact_start)::bigint AS seconds,
                CASE WHEN a.xact_start IS NULL THEN pg_catalog.age(a.backend_xmin) END AS behind
              FROM pg_catalog.pg_stat_activity AS a
              WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_catalog.pg_backend_pid()
                AND a.backend_type <> 'autovacuum worker'
                AND (a.datid IS NULL OR a.datname = pg_catalog.current_database())
              UNION ALL
              SELECT 'prepared transaction ' || p.gid, extract(epoch FROM clock_timestamp() - p.prepared)::bigint, NULL
              FROM pg_catalog.pg_prepared_xacts AS p WHERE p.database = pg_catalog.current_database()
              UNION ALL
              SELECT 'replication slot ' || s.slot_name, NULL, pg_catalog.age(s.xmin)
              FROM pg_catalog.pg_replication_slots AS s WHERE s.xmin IS NOT NULL
            ) AS h
            WHERE h.seconds >= $1::bigint OR h.behind >= $2::bigint
            ORDER BY h.seconds DESC NULLS LAST, h.name LIMIT 3
            """, [.int(seconds), .int(transactions)])
        let names = found.compactMap { $0.string(0) }
        guard !names.isEmpty else { return .passed("vacuum_horizon", severity: .warning) }
        return .failed(
            "vacuum_horizon", severity: .warning,
            "dead rows cannot be removed because of \(names.joined(separator: ", "))",
            remedy: "end these transactions, or drop the slot; idle_in_transaction_session_timeout ends forgotten ones")
    }
}
