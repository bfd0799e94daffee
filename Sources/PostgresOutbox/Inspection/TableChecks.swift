import Libpq

extension Inspector {
    /// The outbox: its columns with their types, in any order, and its two leaves.
    func tableCheck() async throws(Refusal) -> Check {
        let name = session.schema.table("outbox")
        let mend = "bring it to the shape of migrations/outbox, or run outbox-relay migrate in a schema of its own"
        if let problem = try await columnProblem() {
            return .failed("table", "table \(name) \(problem)", mend: mend)
        }
        if let problem = try await partitionProblem() {
            return .failed("table", "table \(name) \(problem)", mend: mend)
        }
        return .passed("table")
    }

    private static let columns = [
        ("id", "bigint"), ("aggregate_type", "text"), ("aggregate_id", "text"), ("event_type", "text"),
        ("payload", "jsonb"), ("headers", "jsonb"), ("created_at", "timestamp with time zone"),
        ("published_at", "timestamp with time zone"),
    ]

    private func columnProblem() async throws(Refusal) -> String? {
        let found = try await rows(
            """
            SELECT a.attname, pg_catalog.format_type(a.atttypid, NULL)
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
            """, [.text(session.schema.table("outbox"))])
        var types: [String: String] = [:]
        for row in found { types[row.string(0) ?? ""] = row.string(1) }
        for (column, type) in Self.columns {
            guard let actual = types[column] else { return "has no column \(column)" }
            if actual != type { return "has a column \(column) of type \(actual) where \(type) is needed" }
        }
        return nil
    }

    /// The leaves carry fixed names, a unique index on the id alone, and the two values of the key.
    private func partitionProblem() async throws(Refusal) -> String? {
        let parent = session.schema.table("outbox")
        let key = try await rows(
            "SELECT pg_catalog.pg_get_partkeydef(pg_catalog.to_regclass($1))", [.text(parent)]
        ).first?.string(0)
        guard key == "LIST (((published_at IS NULL)))" else {
            return "is not partitioned by LIST ((published_at IS NULL))"
        }
        for (leaf, bound) in [("outbox_unpublished", "true"), ("outbox_published", "false")] {
            let found = try await rows(
                """
                SELECT pg_catalog.pg_get_expr(c.relpartbound, c.oid),
                  EXISTS (SELECT FROM pg_catalog.pg_index AS x JOIN pg_catalog.pg_attribute AS a
                            ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
                          WHERE x.indrelid = c.oid AND x.indisunique AND x.indisvalid AND x.indpred IS NULL
                            AND x.indnkeyatts = 1 AND a.attname = 'id')
                FROM pg_catalog.pg_class AS c
                JOIN pg_catalog.pg_inherits AS i ON i.inhrelid = c.oid
                WHERE c.oid = pg_catalog.to_regclass($1) AND i.inhparent = pg_catalog.to_regclass($2)
                """, [.text(session.schema.table(leaf)), .text(parent)])
            guard let row = found.first, row.string(0) == "FOR VALUES IN (\(bound))" else {
                return "has no partition \(leaf) FOR VALUES IN (\(bound))"
            }
            guard row.bool(1) == true else { return "has a partition \(leaf) without PRIMARY KEY (id)" }
        }
        return nil
    }

    /// The relay's own tables: as new as this version needs, and no newer than it knows.
    func migrationCheck() async throws(Refusal) -> Check {
        let table = session.schema.table("outbox_migration")
        let known = OutboxSchema.newestMigration
        let exists = try await rows("SELECT pg_catalog.to_regclass($1) IS NOT NULL", [.text(table)]).first?.bool(0)
        guard exists == true else {
            return .failed("migrations", "the outbox has no migrations", mend: "run outbox-relay migrate")
        }
        guard try await hasPrivilege("SELECT", on: table) else {
            // Named by the check of privileges.
            return .passed("migrations")
        }
        let newest = try await rows("SELECT max(version) FROM \(table)").first?.int(0) ?? 0
        if newest > known {
            return .failed(
                "migrations", "the database has migration \(newest), and this version knows those up to \(known)",
                mend: "install the version of outbox-relay that brought it")
        }
        if newest < known {
            return .failed(
                "migrations", "the database has migration \(newest), and this version needs \(known)",
                mend: "run outbox-relay migrate")
        }
        return .passed("migrations")
    }

    /// The proof of design section 3 stands on ids drawn one by one.
    func sequenceCheck() async throws(Refusal) -> Check {
        let found = try await rows(
            """
            SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqcache, s.seqincrement, s.seqcycle
            FROM pg_catalog.pg_depend AS d
            JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = d.objid
            JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = pg_catalog.to_regclass($1)
              AND d.deptype IN ('a', 'i') AND a.attname = 'id'
            """, [.text(session.schema.table("outbox"))])
        guard let row = found.first, let name = row.string(0) else {
            return .failed(
                "sequence", "outbox.id has no sequence of its own",
                mend: "run ALTER TABLE outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY")
        }
        if let cache = row.int(1), cache != 1 {
            return .failed(
                "sequence", "sequence \(name) has CACHE \(cache), so that ids are not drawn in order",
                mend: "run ALTER SEQUENCE \(name) CACHE 1")
        }
        if let increment = row.int(2), increment != 1 {
            return .failed(
                "sequence", "sequence \(name) has INCREMENT \(increment)",
                mend: "run ALTER SEQUENCE \(name) INCREMENT 1")
        }
        if row.bool(3) == true {
            return .failed(
                "sequence", "sequence \(name) has CYCLE, so that ids may come again",
                mend: "run ALTER SEQUENCE \(name) NO CYCLE")
        }
        return .passed("sequence")
    }
}
