import Libpq
import WallClock

extension Inspector {
    /// What makes the server keep WAL for others, which fills its disk.
    ///
    /// - Parameter bytes: what a slot of somebody else may hold before it is named.
    func serverWALCheck(heldFrom bytes: Int64 = 1 << 30) async throws(Refusal) -> Check {
        let slots = try await rows(
            """
            SELECT s.slot_name || CASE WHEN s.wal_status IN ('unreserved', 'lost') THEN ' is ' || s.wal_status
                ELSE (CASE WHEN s.active THEN '' ELSE ', which nobody reads,' END)
                  || ' holds ' || pg_catalog.pg_size_pretty(s.held) END
            FROM (SELECT slot_name, wal_status, active,
                    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::bigint AS held
                  FROM pg_catalog.pg_replication_slots WHERE slot_name NOT LIKE 'outbox\\_relay\\_%') AS s
            WHERE s.wal_status IN ('unreserved', 'lost') OR s.held >= $1::bigint
            ORDER BY s.held DESC NULLS LAST, s.slot_name LIMIT 3
            """, [.int(bytes)]
        ).compactMap { $0.string(0) }
        guard !slots.isEmpty else { return .passed("server_wal", severity: .warning) }
        return .failed(
            "server_wal", severity: .warning,
            "the server keeps WAL for replication slots: \(slots.joined(separator: ", "))",
            remedy: "let the slot's reader catch up, or drop the slot with pg_drop_replication_slot")
    }

    /// Whether the server's folder of WAL has outgrown its settings, where this role may look into it.
    ///
    /// - Parameter factor: how many times the settings' size is too much.
    func walSizeCheck(over factor: Int = 2) async throws(Refusal) -> Check {
        let may = try await rows("SELECT pg_catalog.has_function_privilege('pg_catalog.pg_ls_waldir()', 'EXECUTE')")
        guard may.first?.bool(0) == true else {
            return .notChecked("wal_size", "the role may not see how much WAL there is", remedy: "grant it pg_monitor")
        }
        let size = try await rows(
            """
            SELECT pg_catalog.pg_size_pretty(w.size)
            FROM (SELECT sum(size) AS size FROM pg_catalog.pg_ls_waldir()) AS w
            WHERE w.size > $1::bigint * (pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_wal_size'))
                                         + pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_keep_size')))
            """, [.int(Int64(factor))]
        ).first?.string(0)
        guard let size else { return .passed("wal_size", severity: .warning) }
        return .failed(
            "wal_size", severity: .warning,
            "the server has \(size) of WAL, more than \(factor) times what max_wal_size and wal_keep_size ask for",
            remedy: "see whether its archive_command fails, or a checkpoint, or a slot keeps it")
    }

    /// What is told of latencies, and the time by which a webhook's receiver judges a signature, come from two clocks.
    ///
    /// The server looked at its clock at some moment between question and answer: half of that time is in doubt. Of
    /// three questions the quickest counts.
    ///
    /// - Parameter now: this machine's clock, in microseconds since 1970.
    func clockCheck(now: @Sendable () -> Int64 = { WallClock.microseconds }) async throws(Refusal) -> Check {
        var (ahead, doubt) = (Int64(0), Int64.max)
        for _ in 0..<3 {
            let asked = now()
            let theirs = try await rows("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
            let answered = now()
            // A clock that is set back meanwhile says nothing.
            guard answered >= asked, (answered - asked) / 2 < doubt, let time = theirs.first?.int(0) else { continue }
            (ahead, doubt) = (time - (asked + answered) / 2, (answered - asked) / 2)
        }
        guard doubt < .max, abs(ahead) - doubt > 1_000_000 else { return .passed("clock", severity: .warning) }
        let milliseconds = abs(ahead) / 1000
        return .failed(
            "clock", severity: .warning,
            "the server's clock is \(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
                + " \(ahead > 0 ? "ahead of" : "behind") this machine's, so latencies are wrong by as much, and a"
                + " webhook's receiver may refuse what is stamped with a wrong time",
            remedy: "have both machines set their clocks by NTP")
    }
}
