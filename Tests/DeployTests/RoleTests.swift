import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// `deploy/postgres/role.sql`
@Suite struct RoleTests {
    private static let ledger = ["accounts", "transfers", "entries", "idempotency_keys", "ledger_migration"]

    /// Roles of names of this test's own: roles are the cluster's, which other tests share.
    private struct Roles {
        let database: TestDatabase
        let poll = "poll_\(UUID().uuidString.prefix(8).lowercased())"
        let wal = "wal_\(UUID().uuidString.prefix(8).lowercased())"

        init(schema: String = "public", mayPurge: Bool = false) async throws {
            database = try await PrivateCluster.shared().database(migrated: false)
            let setup = "CREATE SCHEMA IF NOT EXISTS \(schema); SET search_path = \(schema);"
            for folder in ["outbox", "ledger"] {
                let files = try FileManager.default.contentsOfDirectory(
                    at: Deploy.repository.appendingPathComponent("migrations/\(folder)"),
                    includingPropertiesForKeys: nil)
                for file in files.sorted(by: { $0.path < $1.path }) where file.pathExtension == "sql" {
                    let text = try String(contentsOf: file, encoding: .utf8)
                    // The settings first, by themselves: the file begins with its own transaction.
                    try await database.withConnection { connection in
                        _ = try await connection.execute(SQLText(trusting: setup))
                        _ = try await connection.execute(SQLText(trusting: text))
                    }
                }
            }
            for _ in 0..<2 {
                let done = try await run(
                    [
                        "psql", "-qX", "-d", database.conninfo, "-v", "poll_role=\(poll)", "-v", "wal_role=\(wal)",
                    ] + (mayPurge ? ["-v", "may_purge=yes"] : []) + [
                        "-f", Deploy.folder.appendingPathComponent("postgres/role.sql").path,
                    ], environment: ["PGOPTIONS": "-c search_path=\(schema)"])
                #expect(done.status == .exited(0) && done.errors.isEmpty, "\(done.errors)")
            }
        }

        func may(_ role: String, _ privilege: String, _ table: String) async throws -> Bool {
            try await database.isTrue("SELECT has_table_privilege('\(role)', '\(table)', '\(privilege)')")
        }

        /// Runs statements as one of the roles.
        func execute(as role: String, _ sql: String) async throws {
            let connection = try await Connection.open(ConnectionTarget(parsing: database.conninfo(user: role)))
            do {
                try await connection.execute(SQLText(trusting: sql))
                await connection.close()
            } catch {
                await connection.close()
                throw error
            }
        }

        func drop() async throws {
            try await database.execute("DROP OWNED BY \(poll), \(wal); DROP ROLE \(poll), \(wal)")
        }
    }

    @Test func grantWhatTheRelayNeeds() async throws {
        let roles = try await Roles()
        for role in [roles.poll, roles.wal] {
            try await roles.execute(
                as: role,
                """
                BEGIN;
                SELECT * FROM outbox_unpublished ORDER BY id FOR UPDATE SKIP LOCKED;
                UPDATE outbox SET published_at = now() WHERE published_at IS NULL;
                SELECT * FROM outbox_published; SELECT last_value, is_called FROM outbox_id_seq;
                LOCK TABLE outbox_sink IN SHARE ROW EXCLUSIVE MODE;
                INSERT INTO outbox_sink (name) VALUES ('s'); UPDATE outbox_sink SET delivered_through = 1;
                INSERT INTO outbox_sink_state (sink) VALUES ('s'); INSERT INTO outbox_absent VALUES (1, 1);
                INSERT INTO outbox_late (sink, id) VALUES ('s', 1); DELETE FROM outbox_late;
                UPDATE outbox_leader SET epoch = epoch + 1;
                INSERT INTO outbox_leader_session VALUES (1, now(), 1, 'leader'); DELETE FROM outbox_leader_session;
                SELECT * FROM outbox_migration; DELETE FROM outbox_absent; DELETE FROM outbox_sink;
                SELECT * FROM outbox_parked;
                ROLLBACK
                """)
            #expect(try await roles.database.isTrue("SELECT pg_has_role('\(role)', 'pg_read_all_stats', 'USAGE')"))
        }
        try await roles.drop()
    }

    @Test func grantNothingElse() async throws {
        let roles = try await Roles()
        for role in [roles.poll, roles.wal] {
            for table in Self.ledger {
                for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"] {
                    #expect(try await !roles.may(role, privilege, table), "\(privilege) on \(table)")
                }
            }
            for table in ["outbox", "outbox_unpublished", "outbox_published"] {
                for privilege in ["INSERT", "UPDATE", "DELETE", "TRUNCATE"] {
                    #expect(try await !roles.may(role, privilege, table), "\(privilege) on \(table)")
                }
            }
            for forbidden in [
                "UPDATE outbox SET payload = '{}'", "SELECT nextval('outbox_id_seq')", "SELECT * FROM entries",
                "UPDATE outbox_migration SET version = 9",
            ] {
                let error = await #expect(throws: PostgresError.self) { try await roles.execute(as: role, forbidden) }
                #expect(error?.sqlState == "42501", "\(forbidden)")
            }
        }
        try await roles.drop()
    }

    /// What was published may be deleted by whom that was granted, and by nobody else.
    @Test(arguments: [false, true]) func mayPurgeWhereThatIsAskedFor(_ mayPurge: Bool) async throws {
        let roles = try await Roles(mayPurge: mayPurge)
        try await roles.database.insert(3)
        try await roles.database.execute("UPDATE outbox SET published_at = now() - interval '8 days' WHERE id < 3")
        for role in [roles.poll, roles.wal] {
            #expect(try await roles.may(role, "DELETE", "outbox_published") == mayPurge)
            #expect(try await !roles.may(role, "DELETE", "outbox_unpublished"))
            let done = try await run([
                "outbox-relay", "purge", "--older-than", "7d", "--database", roles.database.conninfo(user: role),
            ])
            #expect(done.status == .exited(mayPurge ? 0 : 77), "\(done.errors)")
        }
        #expect(try await roles.database.ids() == (mayPurge ? [3] : [1, 2, 3]))
        try await roles.drop()
    }

    @Test func onlyOneMayReplicate() async throws {
        let roles = try await Roles()
        let attributes = try await roles.database.query(
            """
            SELECT rolname = '\(roles.wal)', rolcanlogin, rolreplication, rolsuper, rolcreaterole,
              rolcreatedb, rolbypassrls
            FROM pg_roles WHERE rolname IN ('\(roles.poll)', '\(roles.wal)') ORDER BY rolname
            """)
        #expect(attributes == [["f", "t", "f", "f", "f", "f", "f"], ["t", "t", "t", "f", "f", "f", "f"]])
        try await roles.drop()
    }

    @Test func findsTheTablesBySearchPath() async throws {
        let roles = try await Roles(schema: "ours")
        #expect(try await roles.may(roles.poll, "SELECT", "ours.outbox"))
        #expect(
            try await roles.database.isTrue(
                "SELECT has_sequence_privilege('\(roles.poll)', 'ours.outbox_id_seq', 'SELECT')"))
        try await roles.execute(as: roles.poll, "SELECT FROM ours.outbox_unpublished FOR UPDATE")
        try await roles.drop()
    }

    /// The relay itself, with no more than its role was given: it leads, delivers and settles, takes over from one that was
    /// killed, and answers.
    @Test(arguments: ["poll", "wal"]) func theRelayWorksWithItsRole(_ mode: String) async throws {
        let roles = try await Roles()
        let login = ["--database", roles.database.conninfo(user: mode == "poll" ? roles.poll : roles.wal)]
        let relay = try RelayProcess.start(["run", "--mode", mode] + login)
        try await relay.waitForLog("leading", within: .seconds(60))
        if mode == "wal" { try await relay.waitForLog("streaming", within: .seconds(120)) }
        try await roles.database.insert(20)
        try await relay.waitForEvents(20, within: .seconds(60))
        relay.signal(SIGKILL)
        #expect(try await relay.exitStatus() == .signalled(SIGKILL))
        try await roles.database.insert(5)
        let next = try RelayProcess.start(["run", "--mode", mode, "--until-drained"] + login)
        #expect(try await next.exitStatus(within: .seconds(60)) == .exited(0), "\(next.log.text)")
        #expect(try await roles.database.number("SELECT count(*) FROM outbox_published") == 25)
        for command in ["doctor --mode \(mode)", "status", "sinks list", "parked list --sink stdout"] {
            let done = try await run(["outbox-relay"] + command.split(separator: " ").map(String.init) + login)
            #expect(done.status == .exited(0), "\(command): \(done.output) \(done.errors)")
            // What it may not see, it says; the rest is well.
            let doubts = done.output.split(separator: "\n").filter { $0.hasPrefix("warning") || $0.hasPrefix("FAILED") }
            #expect(doubts.isEmpty, "\(command): \(doubts)")
        }
        try await roles.drop()
    }
}
