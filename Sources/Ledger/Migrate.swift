import ArgumentParser
import LedgerMigrations
import Libpq
import Migrations

/// `ledger migrate`
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create the ledger's tables and functions, or bring them up to date; safe to repeat.",
        discussion: "Transfers write to the outbox: `outbox-relay migrate` makes that one.")

    @OptionGroup var database: DatabaseOption

    func run() async throws {
        try await database.withConnection { connection throws(PostgresError) in
            try await MigrationRunner.apply(LedgerMigrations.all, on: connection)
        }
    }
}
