import ArgumentParser
import Libpq

/// `ledger seed`
struct Seed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open accounts, in several assets, and fund them.",
        discussion: """
            They are numbered, Assets:Seeded:0000000001 and on, and a second seed goes on where the first one ended. Money \
            comes from an account World:… of each asset, which may go negative, in transfers to up to 500 accounts at once, \
            each with its event. What was opened before a seed is cut short is funded, and stays.
            """)

    @OptionGroup var database: DatabaseOption

    @Option(help: "How many accounts to open, from 1 to 10000000.")
    var accounts = 10_000

    @Option(help: "What each one is given, in minor units, from 0 to 100000000000.")
    var funds: Int64 = 1_000_000

    @Flag(help: "Open accounts that may not go negative, so that a load can fail for want of money.")
    var strict = false

    func validate() throws {
        guard (1...10_000_000).contains(accounts) else {
            throw ValidationError("--accounts is a number from 1 to 10000000.")
        }
        // What ten million accounts are given stays within the world's bigint.
        guard (0...100_000_000_000).contains(funds) else {
            throw ValidationError("--funds is a number from 0 to 100000000000.")
        }
    }

    func run() async throws {
        let seeding = Seeding(assets: AccountBook.assets(for: accounts), funds: funds, mayGoNegative: !strict)
        var hasOutbox = false
        try await database.withConnection { connection throws(PostgresError) in
            // Told first where it is missing, since both may be.
            try await connection.query("SELECT path, may_go_negative FROM accounts LIMIT 0")
            hasOutbox = try await connection.hasOutbox()
            if hasOutbox { try await seeding.open(accounts, on: connection) }
        }
        guard hasOutbox else { throw Refusal.noOutbox.told() }
        print("\(accounts) accounts opened")
    }
}
