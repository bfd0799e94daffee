import Foundation
import Glibc
import RelayTestKit
import Testing

/// `ledger load --url` against the real `ledger serve`.
@Suite struct LoadOverHTTPTests {
    private struct Tally: Decodable {
        let posted: Int
        let rolled_back: Int
        let late: Int
        let errors: Int
        let retries: Int
        let latency_ms: [String: Double]?

        init(_ run: CommandRun) throws {
            #expect(run.status == .exited(0), "\(run.errors)")
            self = try JSONDecoder().decode(Tally.self, from: Data(run.lastLine.utf8))
        }
    }

    private func emptyLedger() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        return database
    }

    private func load(_ server: ServedLedger, _ options: [String], duration: String = "1h") throws -> RunningCommand {
        let command = ["ledger", "load", "--url", server.url, "--connections", "4"]
        return try RunningCommand(command + ["--duration", duration] + options)
    }

    @Test(arguments: ["uniform", "zipfian", "hot"])
    func postsEachTransferOnce(choice: String) async throws {
        let database = try await emptyLedger()
        let server = try await ServedLedger.start(database: database)
        let running = try load(server, ["--rate", "200", "--choice", choice])
        try await eventually("much is posted") { try await database.number("SELECT count(*) FROM transfers") > 100 }
        running.signal(SIGTERM)
        let done = try await running.end()
        let tally = try Tally(done)
        #expect(tally.errors == 0 && tally.rolled_back == 0 && tally.late == 0, "\(done.lastLine)\(done.errors)")
        #expect(tally.latency_ms?.count == 5)
        #expect(try await database.number("SELECT count(*) FROM transfers") == Int64(tally.posted))
        #expect(try await database.number("SELECT count(*) FROM outbox") == Int64(tally.posted))
        #expect(try await database.number("SELECT count(*) FROM accounts") == 100)
        try await server.stop()
    }

    /// The accounts of several pages, whose paths need an escape in a query.
    @Test func takesTheAccountsThatAreThere() async throws {
        let database = try await emptyLedger()
        try await database.execute(
            """
            INSERT INTO accounts (asset, path) SELECT 'USD', 'Assets:A & B:' || n FROM generate_series(1, 2100) AS n;
            INSERT INTO accounts (asset, path, normal_side) VALUES ('USD', 'World:USD', 'credit');
            """)
        let server = try await ServedLedger.start(database: database)
        let running = try load(server, ["--rate", "300"])
        try await eventually("transfers reach the last page") {
            try await database.number(
                """
                SELECT count(*) FROM entries e JOIN accounts a ON a.id = e.account_id
                WHERE a.path > (SELECT path FROM accounts ORDER BY path OFFSET 2000 LIMIT 1)
                """) > 0
        }
        running.signal(SIGTERM)
        #expect(try Tally(try await running.end()).errors == 0)
        #expect(try await database.number("SELECT count(*) FROM accounts") == 2101)
        #expect(
            try await database.number(
                "SELECT count(*) FROM entries e JOIN accounts a ON a.id = e.account_id WHERE a.path = 'World:USD'") == 0
        )
        try await server.stop()
    }

    /// At a port that the kernel gives to nobody who asks for any, so that it is free again when the server comes back.
    private func startWhereNobodyElseComes(
        _ database: TestDatabase, _ options: [String]
    ) async throws -> (ServedLedger, address: String) {
        for _ in 0..<10 {
            let address = "127.0.0.1:\(Int.random(in: 20_000..<32_000))"
            // Taken by somebody who has chosen it: another one.
            if let server = try? await ServedLedger.start(database: database, options + ["--listen", address]) {
                return (server, address)
            }
        }
        throw KitFailure("the ledger does not start at any of ten ports")
    }

    /// What was under way when the server was killed is asked for again, under the same key.
    @Test func asksAgainWhereTheServerGoes() async throws {
        let database = try await emptyLedger()
        let count = "SELECT count(*) FROM transfers"
        // What was reserved by the server that is killed can soon be taken over.
        let options = ["--abandoned-after", "1s"]
        let (first, address) = try await startWhereNobodyElseComes(database, options)
        let running = try load(first, ["--rate", "200"])
        try await eventually("something is posted") { try await database.number(count) > 50 }
        try await first.process.kill()
        // The later of two addresses counts.
        let second = try await ServedLedger.start(database: database, options + ["--listen", address])
        let before = try await database.number(count)
        try await eventually("more is posted") { try await database.number(count) > before + 50 }
        running.signal(SIGTERM)
        let done = try await running.end()
        let tally = try Tally(done)
        #expect(tally.retries > 0, "\(done.lastLine)")
        let posted = try await database.number(count)
        // One that had no answer in the end is an error, and may be there.
        #expect(posted >= Int64(tally.posted) && posted <= Int64(tally.posted + tally.errors), "\(done.lastLine)")
        #expect(try await database.number("SELECT count(DISTINCT correlation_id) FROM transfers") == posted)
        try await second.stop()
    }

    /// What is refused for good is an error, and not asked for again.
    @Test func aRefusalIsAnError() async throws {
        let database = try await emptyLedger()
        try await database.execute(
            "INSERT INTO accounts (asset, may_go_negative) SELECT 'USD', false FROM generate_series(1, 10)")
        let server = try await ServedLedger.start(database: database)
        let done = try await load(server, ["--rate", "50"], duration: "1s").end()
        let tally = try Tally(done)
        #expect(tally.posted == 0 && tally.errors > 0 && tally.retries == 0, "\(done.lastLine)")
        #expect(done.errors.contains("422 insufficient_funds"), "\(done.errors)")
        try await server.stop()
    }

    @Test func saysThatItIsNotTheLedger() async throws {
        let database = try await emptyLedger()
        let server = try await ServedLedger.start(database: database)
        let done = try await run(["ledger", "load", "--url", server.url + "/elsewhere"])
        #expect(done.status == .exited(78) && done.errors.contains("correct --url"), "\(done.errors)")
        try await server.stop()
    }
}
