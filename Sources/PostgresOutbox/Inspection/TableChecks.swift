import Libpq
import OutboxMigrations

extension Inspector {
    /// The outbox: its columns with their types, in any order, and its two leaves.
    func tableCheck() async throws(Refusal) -> Check {
        let name = session.schema.table.shown
        let remedy = "alter it to match migrations/outbox, or run outbox-relay migrate in another schema"
        if let problem = try await columnProblem() {
            return .failed("table", "table \(name) \(problem)", remedy: remedy)
        }
        if let problem = try await partitionProblem() {
            return .failed("table", "table \(name) \(problem)", remedy: remedy)
        }
        return .passed("table")
    }

    /// Types are compared by oid, which is fixed for built-in ones (PostgreSQL, `pg_type.dat`): how a name is printed is
    /// up to settings.
    private static let columns: [(name: String, type: Int64, shown: String)] = [
        ("id", 20, "bigint"), ("aggregate_type", 25, "text"), ("aggregate_id", 25, "text"), ("event_type", 25, "text"),
        ("payload", 3802, "jsonb"), ("headers", 3802, "jsonb"), ("created_at", 1184, "timestamp with time zone"),
        ("published_at", 1184, "timestamp with time zone"),
    ]

    private func columnProblem() async throws(Refusal) -> String? {
        let found = try await rows(
            """
            SELECT a.attname, a.atttypid, pg_catalog.format_type(a.atttypid, NULL)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = $1::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped
            """, [.int(Int64(session.schema.table.oid))])
        var types: [String: ResultTable.Row] = [:]
        for row in found { types[row.string(0) ?? ""] = row }
        for column in Self.columns {
            guard let actual = types[column.name] else { return "has no column \(column.name)" }
            if actual.int(1) != column.type {
                return "has a column \(column.name) of type \(actual.string(2) ?? "") where \(column.shown) is needed"
            }
        }
        return nil
    }

    /// The leaves hold the two values of the key, and have a unique index on the id alone.
    private func partitionProblem() async throws(Refusal) -> String? {
        let schema = session.schema
        let key = try await rows(
            "SELECT pg_catalog.pg_get_partkeydef($1::pg_catalog.oid)", [.int(Int64(schema.table.oid))]
        ).first?.string(0)
        guard key == "LIST (((published_at IS NULL)))" else {
            return "is not partitioned by LIST ((published_at IS NULL))"
        }
        for (leaf, bound) in [(schema.unpublished, "true"), (schema.published, "false")] {
            guard leaf.exists else { return "has no partition \(leaf.name) FOR VALUES IN (\(bound))" }
            let found = try await rows(
                """
                SELECT EXISTS (
                  SELECT FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_attribute AS a
                    ON a.attrelid = x.indrelid AND a.attnum = x.indkey[0]
                  WHERE x.indrelid = $1::pg_catalog.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL
                    AND x.indnkeyatts = 1 AND a.attname = 'id')
                """, [.int(Int64(leaf.oid))])
            guard found.first?.bool(0) == true else {
                return "has a partition \(leaf.shown) without PRIMARY KEY (id)"
            }
        }
        return nil
    }

    /// The relay's own tables: as new as this version needs, and no newer than it knows.
    func migrationCheck() async throws(Refusal) -> Check {
        let table = session.schema.table("outbox_migration")
        let known = OutboxMigrations.newest
        let exists = try await rows("SELECT pg_catalog.to_regclass($1) IS NOT NULL", [.text(table.text)]).first?.bool(0)
        guard exists == true else {
            return .failed("migrations", "the outbox has no migrations", remedy: "run outbox-relay migrate")
        }
        guard try await hasPrivilege("SELECT", on: table.text) else {
            // Named by the check of privileges.
            return .passed("migrations")
        }
        let newest = try await rows("SELECT max(version) FROM \(table)").first?.int(0) ?? 0
        if let problem = OutboxSchema.tooNew(migration: newest) {
            return .failed(
                "migrations", problem, remedy: "install the version of outbox-relay that created it")
        }
        if newest < known {
            return .failed(
                "migrations", "the database has migration \(newest), but this version needs \(known)",
                remedy: "run outbox-relay migrate")
        }
        return .passed("migrations")
    }

    /// The proof (see ``ClosedHorizon``) stands on ids drawn one by one.
    func sequenceCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            """
            SELECT s.seqcache, s.seqincrement, s.seqcycle FROM pg_catalog.pg_sequence AS s
            WHERE s.seqrelid = $1::pg_catalog.oid
            """, [.int(Int64(session.schema.sequence.oid))])
        guard let row = found.first else {
            let table = session.schema.table.shown
            return .failed(
                "sequence", "\(table).id has no sequence of its own",
                remedy: "run ALTER TABLE \(table) ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY")
        }
        let name = session.schema.sequence.shown
        if let cache = row.int(0), cache != 1 {
            return .failed(
                "sequence", "sequence \(name) has CACHE \(cache), so ids are not drawn in order",
                remedy: "run ALTER SEQUENCE \(name) CACHE 1")
        }
        if let increment = row.int(1), increment != 1 {
            return .failed(
                "sequence", "sequence \(name) has INCREMENT \(increment)",
                remedy: "run ALTER SEQUENCE \(name) INCREMENT 1")
        }
        if row.bool(2) == true {
            return .failed(
                "sequence", "sequence \(name) has CYCLE, so ids may repeat",
                remedy: "run ALTER SEQUENCE \(name) NO CYCLE")
        }
        return .passed("sequence")
    }

    /// Producers fail once no id is left; that comes early where the sequence is of a smaller type than the column.
    func sequenceRoomCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            "SELECT s.seqmax FROM pg_catalog.pg_sequence AS s WHERE s.seqrelid = $1::pg_catalog.oid",
            [.int(Int64(session.schema.sequence.oid))])
        // Where there is none, the check of the sequence says so.
        guard let highest = found.first?.int(0), highest > 0,
            let state = try await SequenceState(session, limit: limit)
        else { return .passed("sequence_room", severity: .warning) }
        let left = 1 - Double(state.issued) / Double(highest)
        guard left < 0.1 else { return .passed("sequence_room", severity: .warning) }
        let name = session.schema.sequence.shown
        return .failed(
            "sequence_room", severity: left < 0.01 ? .error : .warning,
            "sequence \(name) has issued \(state.issued) of its \(highest) ids, after which nothing can be inserted",
            remedy: highest < .max
                ? "run ALTER SEQUENCE \(name) AS bigint NO MAXVALUE" : "have producers move to a new outbox in time")
    }
}
