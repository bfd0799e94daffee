import Foundation
import Libpq
import RelayTestKit
import Testing

/// The commands beside `run`, as an operator uses them.
@Suite(.heavy) struct CommandTests {
    /// What a command prints, as JSON.
    private func facts(_ arguments: [String], _ database: TestDatabase, code: Int32 = 0) async throws -> [String: Any] {
        let (status, relay) = try await RelayProcess.command(
            arguments + ["--json", "--database", database.conninfo])
        #expect(status == .exited(code), "\(relay.log.text)")
        let text = relay.output.strays.joined()
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func migrateTwiceAndFromTwoPlacesAtOnce() async throws {
        let database = try await PrivateCluster.shared().database(migrated: false)
        let relays = try (0..<3).map { _ in try RelayProcess.start(["migrate", "--database", database.conninfo]) }
        for relay in relays { #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)") }
        #expect(try await RelayProcess.command(["migrate", "--database", database.conninfo]).status == .exited(0))
        // As psql would apply them, over what the binary did.
        try await database.migrate()
        try await database.insert(5)
        try await expectComplete(database, [try await RelayProcess.drained(database, .wal)])
    }

    @Test func theLedgerMigrates() async throws {
        let database = try await PrivateCluster.shared().database()
        for _ in 0..<2 {
            let ledger = try RelayProcess.start(["migrate", "--database", database.conninfo], program: "ledger")
            #expect(try await ledger.exitStatus() == .exited(0), "\(ledger.log.text)")
        }
        #expect(try await database.isTrue("SELECT to_regproc('post_transfer') IS NOT NULL"))
    }

    @Test(arguments: Mode.allCases) func status(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let idle = try await facts(["status"], database)
        #expect(idle["leader"] is NSNull && idle["mode"] is NSNull)
        let relay = try await RelayProcess.leading(database, mode)
        let last = try await database.insert(10)
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        try await database.withConnection { slow in
            try await slow.execute("BEGIN; SELECT nextval('outbox_id_seq')")
            try await database.insert(2)
            try await relay.waitForLog("order_hold")
            try await eventually("the status tells who holds the order") {
                let status = try await facts(["status"], database)
                let hold = status["order_hold"] as? [String: Any]
                return (hold?["pid"] as? Int).map(Int32.init) == slow.info.backendPID && hold?["above_id"] as? Int == 10
            }
            let status = try await facts(["status"], database)
            #expect(status["mode"] as? String == mode.rawValue)
            #expect(status["unpublished"] as? Int == 2)
            #expect((status["leader"] as? [String: Any])?["pid"] is Int)
            let sink = (status["sinks"] as? [[String: Any]])?.first
            #expect(sink?["name"] as? String == "stdout" && sink?["delivered_through"] as? Int == 10)
            #expect(sink?["lag_events"] as? Int == 2 && sink?["configured"] as? Bool == true)
            try await slow.execute("ROLLBACK")
        }
        try await relay.waitForEvents(12)
        try await relay.stop()
    }

    @Test func doctor() async throws {
        let database = try await PrivateCluster.shared().database()
        let well = try await facts(["doctor", "--mode", "wal"], database)
        #expect(well["ok"] as? Bool == true)
        try await database.execute("ALTER SEQUENCE outbox_id_seq CACHE 10")
        let ill = try await facts(["doctor"], database, code: 1)
        let checks = try #require(ill["checks"] as? [[String: Any]])
        let failed = checks.filter { $0["ok"] as? Bool == false && $0["severity"] as? String == "error" }
        #expect(failed.map { $0["name"] as? String } == ["sequence"])
        #expect((failed.first?["remedy"] as? String)?.isEmpty == false)
    }

    @Test func version() async throws {
        let (status, relay) = try await RelayProcess.command(["--version"])
        #expect(status == .exited(0))
        #expect(relay.output.strays.joined().contains("libpq"))
    }
}
