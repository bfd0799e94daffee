import Libpq
import Migrations
import OutboxMigrations
import RelayTestKit
import Testing

/// What the outbox's migrations make of a database that is not new.
@Suite struct OutboxMigrationTests {
    private func apply(_ database: TestDatabase) async throws {
        try await database.withConnection { try await MigrationRunner.apply(OutboxMigrations.all, on: $0) }
    }

    /// What a publication is: tables, columns, filters, operations.
    private func shape(_ database: TestDatabase) async throws -> [[String?]] {
        try await database.query(
            """
            SELECT t.schemaname || '.' || t.tablename, to_jsonb(t) ->> 'attnames', to_jsonb(t) ->> 'rowfilter',
              p.pubinsert, p.pubupdate OR p.pubdelete OR p.pubtruncate OR p.puballtables
            FROM pg_publication AS p JOIN pg_publication_tables AS t ON t.pubname = p.pubname
            WHERE p.pubname = 'outbox_relay'
            """)
    }

    private static let others = [
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox_unpublished WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox_published WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR ALL TABLES WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox_unpublished, outbox_sink WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox_unpublished",
        "CREATE PUBLICATION outbox_relay WITH (publish = 'insert')",
    ]
    private static let othersSince15 = [
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox_unpublished (id, payload) WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR TABLE outbox_unpublished (id) WHERE (id > 5) WITH (publish = 'insert')",
        "CREATE PUBLICATION outbox_relay FOR TABLES IN SCHEMA public WITH (publish = 'insert')",
    ]

    @Test func aPublicationOfAnotherShapeIsReplacedAndTheRightOneStays() async throws {
        let database = try await PrivateCluster.shared().database()
        let hasColumns = try await database.number("SHOW server_version_num") >= 150_000
        let right: [[String?]] = [["public.outbox_unpublished", hasColumns ? "[\"id\"]" : nil, nil, "t", "f"]]
        #expect(try await shape(database) == right)
        let oid = try await database.number("SELECT oid FROM pg_publication WHERE pubname = 'outbox_relay'")
        try await apply(database)
        #expect(try await database.number("SELECT oid FROM pg_publication WHERE pubname = 'outbox_relay'") == oid)
        for other in Self.others + (hasColumns ? Self.othersSince15 : []) {
            try await database.execute("DROP PUBLICATION outbox_relay; \(other)")
            try await apply(database)
            #expect(try await shape(database) == right, "\(other)")
        }
        try await database.execute("DROP PUBLICATION outbox_relay")
        try await apply(database)
        #expect(try await shape(database) == right)
    }

    /// The leaf is found by what it holds, not by its name.
    @Test func theLeafMayBearAnotherName() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER TABLE outbox_unpublished RENAME TO waiting; DROP PUBLICATION outbox_relay")
        try await database.execute(OutboxMigrations.all.filter { $0.version == 5 }.map(\.sql).joined())
        #expect(try await shape(database).map(\.first) == ["public.waiting"])
    }

    /// Each leaf is vacuumed by settings of its own, but for what somebody has set by hand.
    @Test func theLeavesHaveSettingsOfTheirOwn() async throws {
        let database = try await PrivateCluster.shared().database()
        let settings = """
            SELECT concat_ws(' ', c.relname, o) FROM pg_class AS c CROSS JOIN unnest(c.reloptions) AS o
            WHERE c.relname IN ('outbox_published', 'outbox_unpublished') ORDER BY 1
            """
        let made = try await database.query(settings).compactMap { $0.first ?? nil }
        #expect(made.contains("outbox_unpublished autovacuum_vacuum_scale_factor=0"))
        #expect(made.contains("outbox_unpublished autovacuum_vacuum_cost_delay=0"))
        #expect(made.contains("outbox_published autovacuum_vacuum_scale_factor=0"))
        try await database.execute(
            """
            ALTER TABLE outbox_published SET (autovacuum_vacuum_threshold = 5000);
            ALTER TABLE outbox_unpublished SET (autovacuum_vacuum_cost_delay = 1)
            """)
        try await apply(database)
        let kept = try await database.query(settings).compactMap { $0.first ?? nil }
        #expect(kept.contains("outbox_published autovacuum_vacuum_threshold=5000"))
        #expect(kept.contains("outbox_unpublished autovacuum_vacuum_cost_delay=1"))
        #expect(kept.count == made.count)
    }

    @Test func keysOfAnySizeCanBeParked() async throws {
        let database = try await PrivateCluster.shared().database()
        // As version 4 had it.
        try await database.execute(
            """
            DROP INDEX outbox_parked_key; CREATE INDEX outbox_parked_key ON outbox_parked (sink, aggregate_id, id);
            DELETE FROM outbox_migration WHERE version = 5
            """)
        let park = """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at, reason)
            SELECT 's', 1, 't', string_agg(md5(n::text), ''), 't.x', '{}', '{}', now(), 'no' FROM generate_series(1, 400) n
            """
        await #expect(throws: PostgresError.self) { try await database.execute(park) }
        for _ in 0..<2 { try await apply(database) }
        try await database.execute(park)
        #expect(try await database.number("SELECT length(aggregate_id) FROM outbox_parked") == 12_800)
        // Once more over what is parked now.
        try await apply(database)
    }
}
