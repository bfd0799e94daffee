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
        let dropped: Int
        let retries: Int
        /// Posted a second.
        let rate: Double
        let latency_ms: [String: Double]?

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
        #expect(tally.rate > 0 && tally.rate < 201 && tally.retries == 0)
        // Nobody sees a line of progress here.
        #expect(done.errors.isEmpty && done.output.split(separator: "\n").count == 1)
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
        #expect(tally.late > 0 && tally.late == tally.posted && tally.rolled_back == 0 && tally.latency_ms == nil)
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

    /// One connection is not enough for all that is due, and what is due is either posted or dropped.
    @Test func dropsWhatItDoesNotBegin() async throws {
        let database = try await emptyLedger()
        let options = ["--rate", "100000", "--duration", "500ms", "--connections", "1"]
        let done = try await load(database, options + ["--late", "0", "--rollbacks", "0"]).end()
        let tally = try Tally(done)
        #expect(tally.dropped > 0 && tally.posted + tally.errors + tally.dropped == 50_000, "\(done.lastLine)")
        let latency = try #require(tally.latency_ms)
        let quantiles = ["p50", "p90", "p99", "p999", "max"].compactMap { latency[$0] }
        #expect(quantiles.count == 5 && quantiles == quantiles.sorted() && quantiles[0] > 0)
    }

    /// While the only connection waits, further transfers become due, and wait as well: there are so many of them that the
    /// one which waits in the database alone would not be seen in these quantiles.
    @Test func latencyBeginsWhenATransferIsDue() async throws {
        let database = try await emptyLedger()
        let options = ["--rate", "100", "--duration", "1h", "--connections", "1", "--late", "0", "--rollbacks", "0"]
        let running = try load(database, options)
        let count = "SELECT count(*) FROM transfers"
        try await eventually("much is posted") { try await database.number(count) > 100 }
        try await database.execute("BEGIN; LOCK TABLE transfers IN EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT")
        let before = try await database.number(count)
        try await eventually("the rest is caught up with") { try await database.number(count) > before + 250 }
        running.signal(SIGTERM)
        let tally = try Tally(try await running.end())
        #expect(tally.errors == 0)
        #expect((tally.latency_ms?["p99"] ?? 0) > 1000 && (tally.latency_ms?["max"] ?? 0) > 1800)
    }

    @Test(arguments: [
        (["load", "--rate", "0"], 64), (["load", "--rate", "1e-20"], 64),
        (["load", "--late", "60%", "--rollbacks", "60%"], 64),
        (["load", "--duration", "fast"], 64), (["load", "--choice", "random"], 64), (["load", "--unknown"], 64),
        (["load", "--zipf-exponent", "-0.1"], 64), (["load", "--zipf-exponent", "nan"], 64),
        (["load", "--url", "127.0.0.1:8080"], 64), (["load", "--url", "http://127.0.0.1:1", "--rollbacks", "1%"], 64),
        (["load", "--url", "http://127.0.0.1:1", "--late", "1%"], 64),
        (["load", "--url", "http://127.0.0.1:1", "--database", "dbname=hush-hush"], 64),
        (["load", "--url", "http://127.0.0.1:1"], 69), (["seed", "--funds", "-1"], 64),
        (["seed", "--funds", "100000000001"], 64),
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
        for command in ["load", "seed"] {
            let done = try await run(["ledger", command, "--database", database.conninfo])
            #expect(done.status == .exited(78))
            #expect(done.errors.contains("outbox-relay migrate"), "\(done.errors)")
        }
        #expect(try await database.number("SELECT count(*) FROM accounts") == 0)
    }
}
