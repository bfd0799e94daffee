import Libpq

extension Inspector {
    /// The name of the publication that the stream reads.
    static let publication = "outbox_relay"

    /// Of the unpublished leaf, inserts only: on the parent, every marked row would come back as a new one.
    func publicationCheck() async throws(Refusal) -> Check {
        let leaf = session.schema.unpublished
        let create = "CREATE PUBLICATION \(Self.publication) FOR TABLE \(leaf.shown) WITH (publish = 'insert')"
        let found = try await rows(
            """
            SELECT p.pubinsert AND NOT p.pubupdate AND NOT p.pubdelete AND NOT p.pubtruncate, p.puballtables,
              COALESCE((SELECT pg_catalog.array_agg(r.prrelid) = ARRAY[$2::pg_catalog.oid]
                        FROM pg_catalog.pg_publication_rel AS r WHERE r.prpubid = p.oid), false),
              EXISTS (SELECT FROM pg_catalog.pg_publication_rel AS r WHERE r.prpubid = p.oid
                      AND (pg_catalog.to_jsonb(r) ->> 'prqual' IS NOT NULL
                           OR pg_catalog.to_jsonb(r) ->> 'prattrs' IS NOT NULL))
            FROM pg_catalog.pg_publication AS p WHERE p.pubname = $1
            """, [.text(Self.publication), .int(Int64(leaf.oid))])
        guard let row = found.first else {
            return .failed(
                "publication", "there is no publication \(Self.publication), so WAL mode polls",
                mend: "run outbox-relay migrate, or \(create)")
        }
        let mend = "run DROP PUBLICATION \(Self.publication) and \(create)"
        guard row.bool(1) == false, row.bool(2) == true else {
            return .failed(
                "publication", "publication \(Self.publication) holds other tables than \(leaf.shown)", mend: mend)
        }
        guard row.bool(0) == true else {
            return .failed(
                "publication", "publication \(Self.publication) publishes more than inserts, or no inserts", mend: mend)
        }
        guard row.bool(3) == false else {
            return .failed(
                "publication", "publication \(Self.publication) leaves out rows or columns", mend: mend)
        }
        return .passed("publication")
    }

    /// Logical decoding needs it.
    func walLevelCheck() async throws(Refusal) -> Check {
        let level = try await rows("SELECT pg_catalog.current_setting('wal_level')").first?.string(0) ?? ""
        guard level != "logical" else { return .passed("wal_level") }
        return .failed(
            "wal_level", "wal_level is \(level), so WAL mode polls",
            mend: "set wal_level = logical and restart the server")
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
        let relays =
            try await rows(
                "SELECT pg_catalog.count(*) FROM pg_catalog.pg_replication_slots WHERE slot_name LIKE 'outbox\\_relay\\_%'"
            ).first?.int(0) ?? 0
        let (slots, senders) = (found.first?.int(0) ?? 0, found.first?.int(1) ?? 0)
        if slots < 1 && relays == 0 {
            return .failed(
                "replication_slots", "every replication slot is taken, so WAL mode polls",
                mend: "drop unused slots or raise max_replication_slots")
        }
        if senders < 1 && relays == 0 {
            return .failed(
                "replication_slots", "every WAL sender is taken, so WAL mode polls", mend: "raise max_wal_senders")
        }
        return .passed("replication_slots")
    }
}
