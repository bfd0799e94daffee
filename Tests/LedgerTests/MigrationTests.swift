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
