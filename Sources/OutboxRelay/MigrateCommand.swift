import ArgumentParser
import Migrations
import OutboxMigrations
import PostgresOutbox
import RelayObservability

/// `outbox-relay migrate`: updates the schema to what this version needs.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Create or update the outbox's tables; safe to repeat.")

    @OptionGroup var database: DatabaseOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let session = try await database.connector().connectPlain()
        try await MigrationRunner.apply(OutboxMigrations.all, on: session.connection)
        let newest = OutboxMigrations.newest
        print(json ? JSONText.object([("migration", .int(Int64(newest)))]).text : "the outbox has migration \(newest)")
        await session.close()
    }
}
