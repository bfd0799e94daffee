import Libpq
import OutboxMigrations
import PostgresOutbox
import RelayTestKit
import Testing

/// What `doctor` finds wrong with an outbox, and a relay refuses to start with.
@Suite struct CoreCheckTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        var sql: String
        var check: String
        /// Words of what is told.
        var says: String

        var testDescription: String { sql }
    }

    static let damages = [
        Damage(
            sql: "ALTER TABLE outbox DROP COLUMN headers", check: "table", says: "has no column headers"),
        Damage(
            sql: "ALTER TABLE outbox ALTER payload TYPE json", check: "table",
            says: "a column payload of type json where jsonb is needed"),
        Damage(
            sql: "ALTER TABLE outbox DETACH PARTITION outbox_published", check: "table",
            says: "FOR VALUES IN (false)"),
        Damage(
            sql: "ALTER TABLE outbox_unpublished DROP CONSTRAINT outbox_unpublished_pkey", check: "table",
            says: "has a partition public.outbox_unpublished without PRIMARY KEY (id)"),
        Damage(
            sql: """
                ALTER TABLE outbox_published DROP CONSTRAINT outbox_published_pkey; CREATE INDEX ON outbox_published (id)
                """, check: "table", says: "has a partition public.outbox_published without PRIMARY KEY (id)"),
        Damage(sql: "ALTER TABLE outbox ALTER id DROP IDENTITY", check: "sequence", says: "no sequence of its own"),
        Damage(sql: "ALTER SEQUENCE outbox_id_seq CACHE 2", check: "sequence", says: "has CACHE 2"),
        Damage(sql: "ALTER SEQUENCE outbox_id_seq INCREMENT 2", check: "sequence", says: "has INCREMENT 2"),
        Damage(sql: "ALTER SEQUENCE outbox_id_seq CYCLE", check: "sequence", says: "has CYCLE"),
        Damage(
            sql: "DELETE FROM outbox_migration WHERE version = \(OutboxMigrations.newest)", check: "migrations",
            says: "this version needs \(OutboxMigrations.newest)"),
        Damage(
            sql: "INSERT INTO outbox_migration (version, name) VALUES (1000, 'of the future')", check: "migrations",
            says: "migration 1000"),
        Damage(sql: "DROP TABLE outbox_migration", check: "migrations", says: "the outbox has no migrations"),
        Damage(
            sql: "UPDATE outbox_leader SET stopped_reason = 'of this'", check: "went_back",
            says: "the relay stopped: of this"),
        Damage(
            sql: "INSERT INTO outbox_sink (name, delivered_through, start) VALUES ('a', 1, NULL)", check: "went_back",
            says: "sink a was given events up to id 1, but the sequence is at 0"),
    ]

    private func failed(_ database: TestDatabase, user: String = "postgres") async throws -> [Check] {
        let session = try await database.session(user: user)
        let checks = try await Inspector(session).coreChecks(purging: false)
        await session.close()
        return checks.filter { !$0.ok }
    }

    @Test func nothingIsWrongAfterTheMigrations() async throws {
        #expect(try await failed(try await PrivateCluster.shared().database()) == [])
    }

    @Test(arguments: damages) func whatIsWrongIsNamedAndRefused(_ damage: Damage) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(damage.sql)
        let found = try await failed(database)
        #expect(found.map(\.name) == [damage.check])
        #expect(found.first?.problem?.contains(damage.says) == true, "\(found.first?.problem ?? "")")
        #expect(found.first?.severity == .error && found.first?.remedy?.isEmpty == false)
        let refused = try await database.withAdministrator { try await refusals(on: $0) }
        #expect(refused.map(\.check) == [damage.check] && refused.first?.kind == .configuration)
    }

    @Test func whatARoleLacksIsListed() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = "relay_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role); GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO \(role)
            """)
        #expect(try await failed(database, user: role) == [])
        try await database.execute(
            """
            REVOKE DELETE ON outbox_late FROM \(role); REVOKE USAGE ON SEQUENCE outbox_sink_generation_seq FROM \(role);
            REVOKE UPDATE ON outbox FROM \(role); GRANT UPDATE (published_at) ON outbox TO \(role)
            """)
        let problem = try #require(try await failed(database, user: role).first { $0.name == "privileges" }?.problem)
        #expect(problem.contains("DELETE on") && problem.contains("outbox_late"))
        #expect(problem.contains("USAGE on") && problem.contains("outbox_sink_generation_seq"))
        #expect(!problem.contains("UPDATE"), "one column is enough: \(problem)")
    }

    @Test func rowsThatAPolicyHidesAreRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = "relay_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role); GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO \(role);
            ALTER TABLE outbox_unpublished ENABLE ROW LEVEL SECURITY
            """)
        let found = try await failed(database, user: role)
        #expect(found.map(\.name) == ["row_security"])
        #expect(found.first?.problem?.contains("hides rows of outbox_unpublished from this role") == true)
    }
}
