import Foundation
import Glibc
import RelayTestKit
import Testing

@Suite struct LoadTests {
    /// The JSON of the last line.
    private struct Tally: Decodable {
        let posted: Int
        let rolled_back: Int
        let late: Int
        let errors: Int

        init(_ run: CommandRun) throws {
            self = try JSONDecoder().decode(Tally.self, from: Data(run.lastLine.utf8))
        }
    }

    private func emptyLedger() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        return database
    }

    private func load(_ database: TestDatabase, _ options: [String]) throws -> RunningCommand {
        try RunningCommand(["ledger", "load", "--database", database.conninfo] + options)
    }

    @Test(arguments: ["uniform", "zipfian", "hot"])
    func countsWhatItDid(choice: String) async throws {
        let database = try await emptyLedger()
        let begin = ContinuousClock.now
        let options = ["--rate", "200", "--duration", "1h", "--connections", "4", "--rollbacks", "20%", "--late", "1%"]
        let running = try load(database, options + ["--choice", choice])
        // What was rolled back has drawn an id too.
        let rolledBack = "SELECT last_value - (SELECT count(*) FROM outbox) FROM outbox_id_seq"
        try await eventually("something is posted, and something is rolled back") {
            let posted = try await database.number("SELECT count(*) FROM outbox")
            let gone = try await database.number(rolledBack)
            return posted > 100 && gone > 5
        }
        running.signal(SIGTERM)
        let done = try await running.end()
        let length = (ContinuousClock.now - begin) / .seconds(1)
        #expect(done.status == .exited(0), "\(done.errors)")
        let tally = try Tally(done)
        #expect(tally.posted > 0 && tally.rolled_back > 0 && tally.errors == 0, "\(done.errors)")
        #expect(Double(tally.posted + tally.rolled_back) <= 200 * length + 1)
        #expect(try await database.number("SELECT count(*) FROM outbox") == Int64(tally.posted))
        #expect(try await database.number("SELECT count(*) FROM transfers") == Int64(tally.posted))
    }

    @Test func lateTransfersCommit() async throws {
        let database = try await emptyLedger()
        let running = try load(database, ["--duration", "1h", "--late", "100%", "--rollbacks", "0"])
        try await eventually("something is posted") { try await database.number("SELECT count(*) FROM outbox") > 5 }
        running.signal(SIGTERM)
        let done = try await running.end()
        let tally = try Tally(done)
        #expect(tally.late > 0 && tally.late == tally.posted && tally.rolled_back == 0)
        #expect(try await database.number("SELECT count(*) FROM outbox") == Int64(tally.posted))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func endsEarlyWithItsLine(signal: Int32) async throws {
        let database = try await emptyLedger()
        let running = try load(database, ["--duration", "1h", "--late", "5%"])
        try await eventually("something is posted") { try await database.number("SELECT count(*) FROM outbox") > 20 }
        running.signal(signal)
        let done = try await running.end(within: .seconds(20))
        #expect(done.status == .exited(0))
        #expect(try await database.number("SELECT count(*) FROM outbox") == Int64(try Tally(done).posted))
    }

    @Test func outlivesItsConnections() async throws {
        let database = try await emptyLedger()
        let running = try load(database, ["--duration", "1h", "--late", "0"])
        let count = "SELECT count(*) FROM outbox"
        try await eventually("something is posted") { try await database.number(count) > 20 }
        try await database.execute(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'ledger'
            """)
        let before = try await database.number(count)
        try await eventually("more is posted") { try await database.number(count) > before + 20 }
        running.signal(SIGTERM)
        let tally = try Tally(try await running.end())
        #expect(tally.errors > 0)
        #expect(try await database.number(count) >= Int64(tally.posted))
    }

    @Test func endsInTimeWhenTheServerGoes() async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        try await Books.migrate(database)
        let running = try load(database, ["--duration", "8s"])
        try await eventually("something is posted") { try await database.number("SELECT count(*) FROM outbox") > 20 }
        try await cluster.stop(mode: .immediate)
        let done = try await running.end(within: .seconds(20))
        #expect(done.status == .exited(0))
        #expect(try Tally(done).errors > 0)
    }

    @Test func seedOpensAccounts() async throws {
        let database = try await emptyLedger()
        let done = try await run(["ledger", "seed", "--accounts", "12", "--database", database.conninfo])
        #expect(done.status == .exited(0))
        #expect(try await database.number("SELECT count(*) FROM accounts") == 12)
        #expect(try await database.number("SELECT count(DISTINCT asset) FROM accounts") == 3)
    }

    @Test(arguments: [
        (["load", "--rate", "0"], 64), (["load", "--late", "60%", "--rollbacks", "60%"], 64),
        (["load", "--duration", "fast"], 64), (["load", "--choice", "random"], 64), (["load", "--unknown"], 64),
        (["seed", "--accounts", "0"], 64), (["load", "--database", "postgres://u:hush-hush@/x?nonsense=1"], 78),
        (["migrate", "--database", "host=/nonexistent connect_timeout=1 password=hush-hush"], 69),
    ])
    func refuses(_ arguments: [String], _ code: Int) async throws {
        let done = try await run(["ledger"] + arguments)
        #expect(done.status == .exited(Int32(code)), "\(done.errors)")
        #expect(!done.errors.isEmpty && !done.errors.contains("hush-hush"))
    }

    @Test func namesWhatIsMissing() async throws {
        let database = try await PrivateCluster.shared().database(migrated: false)
        for command in ["load", "seed"] {
            let done = try await run(["ledger", command, "--database", database.conninfo])
            #expect(done.status == .exited(78))
            #expect(done.errors.contains("ledger migrate"), "\(done.errors)")
        }
        try await Books.migrate(database)
        let done = try await run(["ledger", "load", "--database", database.conninfo])
        #expect(done.status == .exited(78))
        #expect(done.errors.contains("outbox-relay migrate"), "\(done.errors)")
    }
}
