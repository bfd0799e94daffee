import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

@testable import Ledger

@Suite struct SeedTests {
    private func emptyLedger() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        return database
    }

    private func seed(_ database: TestDatabase, _ options: [String]) async throws {
        let done = try await run(["ledger", "seed", "--database", database.conninfo] + options)
        #expect(done.status == .exited(0), "\(done.errors)")
    }

    private func expectBalanced(_ database: TestDatabase) async throws {
        let done = try await run(["ledger", "reconcile", "--rebuild", "--database", database.conninfo])
        #expect(done.status == .exited(0), "\(done.output)\(done.errors)")
    }

    /// Balances below a path, each once.
    private func balances(_ database: TestDatabase, below path: String) async throws -> [Int64] {
        try await database.numbers("SELECT DISTINCT settled FROM list_balances('\(path)', most => 10000) ORDER BY 1")
    }

    @Test func fundsAccountsFromTheWorld() async throws {
        let database = try await emptyLedger()
        try await seed(database, ["--accounts", "12"])
        #expect(try await database.number("SELECT count(*) FROM accounts WHERE path LIKE 'Assets:Seeded:%'") == 12)
        let worlds = try await database.query(
            "SELECT path, asset, normal_side, may_go_negative FROM accounts WHERE path LIKE 'World:%' ORDER BY path")
        #expect(worlds == ["EUR", "JPY", "USD"].map { (asset: String) in ["World:\(asset)", asset, "credit", "t"] })
        #expect(try await balances(database, below: "Assets:Seeded") == [1_000_000])
        // Which has given what the others were given.
        #expect(try await balances(database, below: "World") == [4_000_000])
        #expect(try await database.number("SELECT count(*) FROM outbox") == 3)
        #expect(try await database.number("SELECT sum(amount) FROM entries") == 0)
        try await expectBalanced(database)
    }

    @Test func goesOnBehindWhatIsThere() async throws {
        let database = try await emptyLedger()
        // What lies beside and below is none of them.
        try await database.execute(
            """
            INSERT INTO accounts (asset, path) VALUES
              ('USD', 'Assets:Seeded:gold'), ('USD', 'Assets:Seeded:9999999999:below'), ('USD', 'Assets:Seeded')
            """)
        for options in [
            ["--accounts", "2", "--funds", "5"], ["--accounts", "7", "--funds", "0"], ["--accounts", "6"],
        ] {
            try await seed(database, options)
        }
        let paths = try await database.query(
            "SELECT path FROM accounts WHERE path ~ '^Assets:Seeded:[0-9]{10}$' ORDER BY path")
        let numbers = (1...15).map { String(repeating: "0", count: $0 < 10 ? 9 : 8) + "\($0)" }
        #expect(paths == numbers.map { ["Assets:Seeded:\($0)"] })
        #expect(try await balances(database, below: "Assets:Seeded") == [0, 5, 1_000_000])
        // Two accounts in one asset, none at all, three assets.
        #expect(try await database.number("SELECT count(*) FROM outbox") == 4)
        try await expectBalanced(database)
    }

    /// More than a batch, at once from two places: 500 accounts a transfer.
    @Test func batchesAreTransfersOfUpToATableOfLegs() async throws {
        let database = try await emptyLedger()
        let command = ["ledger", "seed", "--database", database.conninfo, "--accounts", "1600"]
        for running in try [RunningCommand(command), RunningCommand(command)] {
            let done = try await running.end()
            #expect(done.status == .exited(0), "\(done.errors)")
        }
        let seeded = "FROM accounts WHERE path LIKE 'Assets:Seeded:%'"
        #expect(try await database.number("SELECT count(*) \(seeded)") == 3200)
        #expect(try await database.number("SELECT max(right(path, 10)::bigint) \(seeded)") == 3200)
        #expect(try await database.number("SELECT max(leg) FROM entries") == 501)
        #expect(try await database.number("SELECT count(*) FROM outbox") == 12)
        #expect(try await balances(database, below: "Assets:Seeded") == [1_000_000])
        try await expectBalanced(database)
    }

    @Test(arguments: [([], 0), (["--strict"], 12)])
    func strictAccountsMayNotGoNegative(options: [String], strict: Int) async throws {
        let database = try await emptyLedger()
        try await seed(database, ["--accounts", "12", "--funds", "1"] + options)
        #expect(try await database.number("SELECT count(*) FROM accounts WHERE NOT may_go_negative") == Int64(strict))
        let worlds = "FROM accounts WHERE path LIKE 'World:%' AND may_go_negative"
        #expect(try await database.number("SELECT count(*) \(worlds)") == 3)
    }

    @Test func aLoadLeavesTheWorldAlone() async throws {
        let database = try await emptyLedger()
        try await database.execute(
            "INSERT INTO accounts (asset, book) SELECT 'USD', 'other' FROM generate_series(1, 100)")
        try await seed(database, ["--accounts", "9"])
        let book = try await database.withConnection { try await AccountBook.read(on: $0) }
        #expect(book.count == 9 && book.holdings.map(\.accounts.count) == [3, 3, 3])
        let load = ["ledger", "load", "--database", database.conninfo, "--rate", "200", "--duration", "1h"]
        let running = try RunningCommand(load)
        let count = "SELECT count(*) FROM transfers"
        try await eventually("something is posted") { try await database.number(count) > 100 }
        running.signal(SIGTERM)
        let done = try await running.end()
        #expect(done.status == .exited(0) && done.lastLine.contains(#""errors":0,"#), "\(done.lastLine)\(done.errors)")
        #expect(try await balances(database, below: "World") == [3_000_000])
        #expect(try await database.number("SELECT count(*) FROM accounts WHERE book = 'main'") == 12)
        try await expectBalanced(database)
    }
}
