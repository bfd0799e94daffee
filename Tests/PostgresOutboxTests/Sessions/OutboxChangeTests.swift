import Libpq
import OutboxMigrations
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// What may be done to an outbox while a relay runs: the next beat says so.
@Suite struct OutboxChangeTests {
    struct Change: Sendable, CustomTestStringConvertible {
        var sql: String
        /// Words of what the beat says.
        var says: [String]

        var testDescription: String { sql }
    }

    static let leaf = "PARTITION OF outbox (PRIMARY KEY (id)) FOR VALUES IN"

    static let changes: [Change] = [
        Change(sql: "ALTER TABLE outbox RENAME TO outbox_old", says: ["public.outbox is gone", "renamed"]),
        Change(sql: "DROP TABLE outbox", says: ["public.outbox is gone", "dropped"]),
        Change(
            sql: "CREATE SCHEMA later; ALTER TABLE outbox SET SCHEMA later", says: ["public.outbox is gone", "moved"]),
        Change(
            sql: """
                DROP TABLE outbox; SET search_path = public; CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY, published_at timestamptz)
                  PARTITION BY LIST ((published_at IS NULL));
                CREATE TABLE outbox_unpublished \(leaf) (true); CREATE TABLE outbox_published \(leaf) (false)
                """, says: ["public.outbox was replaced"]),
        Change(
            sql: "ALTER TABLE outbox DETACH PARTITION outbox_unpublished",
            says: [
                "public.outbox_unpublished is no longer the unpublished partition (FOR VALUES IN (true))", "detached",
            ]),
        Change(
            sql: """
                ALTER TABLE outbox DETACH PARTITION outbox_published; CREATE TABLE public.another \(leaf) (false)
                """, says: ["public.another in the place of public.outbox_published"]),
        Change(
            sql: "ALTER TABLE outbox_unpublished RENAME TO queue",
            says: ["renamed from public.outbox_unpublished to public.queue"]),
        Change(
            sql: "ALTER SEQUENCE outbox_id_seq RENAME TO ids",
            says: ["the sequence of public.outbox was renamed from public.outbox_id_seq to public.ids"]),
        Change(
            sql: "ALTER TABLE outbox ALTER id DROP IDENTITY",
            says: ["public.outbox_id_seq is no longer the sequence of public.outbox"]),
        Change(
            sql: """
                ALTER TABLE outbox ALTER id DROP IDENTITY;
                ALTER TABLE outbox ALTER id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME fresh)
                """, says: ["public.fresh in the place of public.outbox_id_seq"]),
        Change(
            sql: "CREATE TABLE early.outbox (id bigint)",
            says: ["the search path early, public now finds early.outbox in the place of public.outbox"]),
        Change(
            sql: "INSERT INTO outbox_migration (version, name) VALUES (1000, 'of the future')",
            says: ["migration 1000", "knows those up to \(OutboxMigrations.newest)"]),
    ]

    private func database() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            "CREATE SCHEMA early; ALTER DATABASE \(database.name) SET search_path = early, public")
        return database
    }

    @Test(arguments: changes) func isNamedByTheNextBeat(_ change: Change) async throws {
        let database = try await database()
        try await database.withLeader { leader in
            _ = try await leader.beat()
            _ = try await leader.beat()
            try await database.execute(change.sql)
            let error = await #expect(throws: OutboxChanged.self) { _ = try await leader.beat() }
            let sentence = try #require(error).description
            for words in change.says { #expect(sentence.contains(words), "\(sentence)") }
        }
    }

    /// What does not touch the proof, or is as it was again.
    @Test(
        arguments: [
            "ALTER SEQUENCE outbox_id_seq RESTART WITH 100", "TRUNCATE outbox RESTART IDENTITY",
            "VACUUM FULL outbox_published",
            "ALTER TABLE outbox ADD COLUMN more text", "CREATE INDEX ON outbox_published (created_at)",
            """
            ALTER TABLE outbox DETACH PARTITION outbox_published;
            ALTER TABLE outbox ATTACH PARTITION outbox_published FOR VALUES IN (false)
            """,
            "ALTER TABLE outbox RENAME TO o; ALTER TABLE o RENAME TO outbox", "CREATE TABLE later_outbox (id bigint)",
        ])
    func isNoChange(_ sql: String) async throws {
        let database = try await database()
        try await database.withLeader { leader in
            _ = try await leader.beat()
            try await database.execute(sql)
            _ = try await leader.beat()
        }
    }

    /// A beat looks by the search path of the role, and leaves the session's own as it is.
    @Test func theSessionKeepsItsOwnSearchPath() async throws {
        let database = try await database()
        try await database.withLeader { leader in
            _ = try await leader.beat()
            let path = try await leader.session.connection.query("SHOW search_path").string(0, 0)
            #expect(path == "public, pg_temp")
        }
    }
}
