import ArgumentParser
import Libpq

/// `ledger seed`
struct Seed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Open accounts, in several assets.")

    @OptionGroup var database: DatabaseOption

    @Option(help: "How many accounts to open, from 1 to 10000000.")
    var accounts = 10_000

    func validate() throws {
        guard (1...10_000_000).contains(accounts) else {
            throw ValidationError("--accounts is a number from 1 to 10000000.")
        }
    }

    func run() async throws {
        try await database.withConnection { connection throws(PostgresError) in
            try await AccountBook.open(accounts, on: connection)
        }
        print("\(accounts) accounts opened")
    }
}
