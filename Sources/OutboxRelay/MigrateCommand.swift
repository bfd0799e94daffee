import ArgumentParser
import Migrations
import OutboxMigrations
import PostgresOutbox

/// `outbox-relay migrate`: updates the schema to what this version needs.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Create or update the outbox's tables; safe to repeat.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let session = try await database.connector().connectPlain()
        try await MigrationRunner.apply(OutboxMigrations.all, on: session.connection)
        print("the outbox has migration \(OutboxMigrations.newest)")
        await session.close()
    }
}
