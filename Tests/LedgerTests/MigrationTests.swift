import Foundation
import LedgerMigrations
import Libpq
import Migrations
import OutboxMigrations
import RelayTestKit
import Testing

@Suite struct MigrationTests {
    /// Whether the ledger is there, whole: it posts a transfer.
    private func expectLedger(in database: TestDatabase) async throws {
        try await database.execute(
            """
            INSERT INTO accounts (id, asset) VALUES ('\(Books.high)', 'USD'), ('\(Books.low)', 'USD');
            SELECT post_transfer(\(Books.transfer(1)))
            """)
        let applied = try await database.numbers("SELECT version FROM ledger_migration ORDER BY 1")
        #expect(applied == (1...Int64(LedgerMigrations.all.count)).map { $0 })
    }

    @Test func binaryAppliesThemTwiceFromAnyFolder() async throws {
        let database = try await PrivateCluster.shared().database()
        for _ in 0..<2 {
            let done = try await run([
                "env", "--chdir=/", RelayProcess.executable("ledger"), "migrate", "--database", database.conninfo,
            ])
            #expect(done.status == .exited(0), "\(done.errors)")
        }
        try await expectLedger(in: database)
    }

    @Test func binaryAppliesThemFromTwoPlacesAtOnce() async throws {
        let database = try await PrivateCluster.shared().database()
        let commands = try (0..<3).map { _ in
            try RunningCommand(["ledger", "migrate", "--database", database.conninfo])
        }
        for command in commands {
            let done = try await command.end()
            #expect(done.status == .exited(0), "\(done.errors)")
        }
        try await expectLedger(in: database)
    }

    @Test func psqlAppliesThemTwice() async throws {
        let database = try await PrivateCluster.shared().database()
        for file in try Books.files() + Books.files() {
            let done = try await run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", database.conninfo, "-f", file.path])
            #expect(done.status == .exited(0) && done.errors.isEmpty, "\(done.errors)")
        }
        try await expectLedger(in: database)
    }

    @Test func applyAgainUnderAnOpenTransfer() async throws {
        let books = try await Books()
        let open = try await books.database.connection()
        _ = try await open.execute(SQLText(trusting: "BEGIN; SELECT post_transfer(\(Books.transfer(1)))"))
        // Within the limit, since nothing of them waits for the transfer's locks.
        try await books.database.execute("SET lock_timeout = '2s'; \(LedgerMigrations.all.map(\.sql).joined())")
        _ = try await open.execute("COMMIT")
        await open.close()
    }

    /// A ledger from before there were books, paths, holds and balances: its accounts are filed, its entries told apart, and its
    /// transfers known by what they were asked for under.
    @Test func anOlderLedgerIsBroughtUpToDate() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(Self.older)
        try await Books.migrate(database)
        let settled = try await database.query(
            "SELECT version, settled FROM entries WHERE account_id = '\(Books.high)' ORDER BY version")
        #expect(settled == [["1", "-7"], ["2", "0"], ["3", "-5"]])
        let states = try await database.query("SELECT state FROM ledger_transfers ORDER BY posted_at")
        #expect(states == [["voided"], ["settled"], ["settled"]])
        let again = try await database.value("SELECT post_transfer(\(Books.transfer(5)), 'second')")
        #expect(again == "30000000-0000-4000-8000-000000000000")
        try await database.execute("SELECT post_transfer(\(Books.transfer(1)))")
        #expect(try await database.query("SELECT * FROM ledger_rebuild_balances()").isEmpty)
        #expect(try await database.query("SELECT * FROM ledger_check_transfers()").isEmpty)
        let error = await #expect(throws: PostgresError.self) { try await database.execute("DELETE FROM entries") }
        #expect(error?.sqlState == "23001")
    }

    /// The tables of then, with a transfer, its reversal, and one under an external id.
    private static let older = """
        CREATE TABLE accounts (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), asset text NOT NULL CHECK (asset <> ''),
          name text, opened_at timestamptz NOT NULL DEFAULT clock_timestamp(), UNIQUE (id, asset));
        CREATE TABLE transfers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), external_id text UNIQUE, correlation_id text,
          reverses uuid UNIQUE REFERENCES transfers, description text,
          metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
          posted_at timestamptz NOT NULL DEFAULT clock_timestamp());
        CREATE TABLE entries (transfer_id uuid NOT NULL REFERENCES transfers, leg integer NOT NULL CHECK (leg > 0),
          account_id uuid NOT NULL, asset text NOT NULL, amount bigint NOT NULL CHECK (amount <> 0),
          PRIMARY KEY (transfer_id, leg), FOREIGN KEY (account_id, asset) REFERENCES accounts (id, asset));
        CREATE INDEX entries_account_id ON entries (account_id);
        CREATE TABLE idempotency_keys (key text PRIMARY KEY, body bytea NOT NULL, transfer_id uuid NOT NULL,
          created_at timestamptz NOT NULL DEFAULT clock_timestamp());
        CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfers
          FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
          FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
        CREATE FUNCTION post_transfer(legs jsonb, external_id text DEFAULT NULL, correlation_id text DEFAULT NULL,
          description text DEFAULT NULL, metadata jsonb DEFAULT '{}') RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
        INSERT INTO accounts (id, asset) VALUES ('\(Books.high)', 'USD'), ('\(Books.low)', 'USD');
        INSERT INTO transfers (id, reverses, external_id, posted_at) VALUES
          ('10000000-0000-4000-8000-000000000000', NULL, NULL, now() - interval '3 s'),
          ('20000000-0000-4000-8000-000000000000', '10000000-0000-4000-8000-000000000000', NULL, now() - interval '2 s'),
          ('30000000-0000-4000-8000-000000000000', NULL, 'second', now() - interval '1 s');
        INSERT INTO entries SELECT t.id, l.leg, l.account, 'USD', l.sign * t.amount
          FROM (VALUES ('10000000-0000-4000-8000-000000000000'::uuid, 7), ('20000000-0000-4000-8000-000000000000', -7),
            ('30000000-0000-4000-8000-000000000000', 5)) AS t (id, amount),
            (VALUES (1, '\(Books.high)'::uuid, -1), (2, '\(Books.low)', 1)) AS l (leg, account, sign);
        INSERT INTO idempotency_keys (key, body, transfer_id) SELECT 'second', sha256(convert_to(jsonb_build_array(
            jsonb_agg(jsonb_build_array(account_id, asset, amount) ORDER BY leg), NULL::text, '{}'::jsonb)::text, 'UTF8')),
            transfer_id
          FROM entries WHERE transfer_id = '30000000-0000-4000-8000-000000000000' GROUP BY transfer_id;
        """

    @Test func binaryCarriesWhatTheFilesSay() throws {
        #expect(
            try LedgerMigrations.all.map(\.sql) == Books.files().map { try String(contentsOf: $0, encoding: .utf8) })
        #expect(LedgerMigrations.all.map(\.version) == Array(1...LedgerMigrations.all.count))
        #expect(OutboxMigrations.all.map(\.version) == Array(1...OutboxMigrations.newest))
    }

    @Test func runnerAppliesTheOutboxTwiceAndFromTwoPlacesAtOnce() async throws {
        let database = try await PrivateCluster.shared().database(migrated: false)
        try await withThrowingTaskGroup { group in
            for _ in 0..<3 {
                group.addTask {
                    try await database.withConnection { connection in
                        for _ in 0..<2 { try await MigrationRunner.apply(OutboxMigrations.all, on: connection) }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(
            try await database.number("SELECT max(version) FROM outbox_migration") == Int64(OutboxMigrations.newest))
    }

    @Test func failedFileLeavesNothingAndNoTransaction() async throws {
        let database = try await PrivateCluster.shared().database(migrated: false)
        let broken = Migration(
            version: 1, name: "broken", file: Array("BEGIN; CREATE TABLE half (); SELECT 1 / 0; COMMIT".utf8))
        try await database.withConnection { connection in
            await #expect(throws: PostgresError.self) { try await MigrationRunner.apply([broken], on: connection) }
            #expect(await connection.transactionStatus == .idle)
        }
        #expect(try await database.isTrue("SELECT to_regclass('half') IS NULL"))
    }
}
