import Libpq

extension Inspector {
    /// The ids of what is inserted into the unpublished leaf, and nothing else.
    func publicationCheck() async throws(Refusal) -> Check {
        let version = session.connection.info.serverVersion
        let problem =
            try await rows(
                "SELECT \(Publication(session.schema).problemSQL(serverVersion: version))"
            ).first?.string(0) ?? ""
        guard !problem.isEmpty else { return .passed("publication") }
        return .failed(
            "publication", "the publication \(Publication.name) \(problem), so WAL mode falls back to polling",
            remedy: Publication.remedy)
    }

    /// Logical decoding needs it.
    func walLevelCheck() async throws(Refusal) -> Check {
        let level = try await rows("SELECT pg_catalog.current_setting('wal_level')").first?.string(0) ?? ""
        guard level != "logical" else { return .passed("wal_level") }
        return .failed(
            "wal_level", "wal_level is \(level), so WAL mode falls back to polling",
            remedy: "set wal_level = logical and restart the server")
    }

    /// A relay takes one temporary slot, and one more for the moment of a hand-over.
    func slotCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            """
            SELECT pg_catalog.current_setting('max_replication_slots')::int
                - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots),
              pg_catalog.current_setting('max_wal_senders')::int
                - (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_replication)
            """)
        // A relay that streams from this database has its slot, and a successor takes it over.
        let relays =
            try await rows(
                """
                SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots
                WHERE slot_name LIKE 'outbox\\_relay\\_%' AND database = pg_catalog.current_database()
                """
            ).first?.int(0) ?? 0
        let (slots, senders) = (found.first?.int(0) ?? 0, found.first?.int(1) ?? 0)
        if slots < 1 && relays == 0 {
            return .failed(
                "replication_slots", "every replication slot is taken, so WAL mode falls back to polling",
                remedy: "drop unused slots or raise max_replication_slots")
        }
        if senders < 1 && relays == 0 {
            return .failed(
                "replication_slots", "every WAL sender is taken, so WAL mode falls back to polling",
                remedy: "raise max_wal_senders")
        }
        return .passed("replication_slots")
    }

    /// A server that gives up the slot before the relay does ends the stream without the relay's say.
    ///
    /// - Parameter maxSlotWAL: bytes that the relay itself lets its slot hold.
    func slotLimitCheck(maxSlotWAL: Int) async throws(Refusal) -> Check {
        let name = "max_slot_wal_keep_size"
        // In MiB; -1: without a limit (PostgreSQL documentation, 20.6.1).
        let found = try await rows("SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = $1", [.text(name)])
        guard let mebibytes = found.first?.int(0), mebibytes >= 0, mebibytes < Int64(maxSlotWAL >> 20) else {
            return .passed(name, severity: .warning)
        }
        return .failed(
            name, severity: .warning,
            "\(name) is \(mebibytes) MiB, so the server gives up the relay's slot before it holds the"
                + " \(maxSlotWAL >> 20) MiB of --max-slot-wal, and WAL mode falls back to polling",
            remedy: "raise \(name), or lower --max-slot-wal")
    }
}
