import Foundation
import RelayTestKit
import Testing

/// Sinks added, moved and removed while the relay settles.
@Suite(.heavy) struct SinkAdminTests {
    private func sinks(_ database: TestDatabase, _ arguments: [String]) async throws {
        let command = ["sinks"] + arguments + ["--database", database.conninfo]
        let (status, relay) = try await RelayProcess.command(command)
        #expect(status == .exited(0), "\(arguments): \(relay.log.text)")
    }

    @Test(arguments: Mode.allCases) func addedAndRemovedInTheMiddleOfSettling(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        let soak = Soak(database, producers: 3, duration: .seconds(4), longest: 0.3)
        async let statistics = soak.run()
        for _ in 0..<3 {
            let goal = relay.output.count + 20
            // The producers may have come to their end meanwhile.
            try await database.insert(20)
            try await relay.waitForEvents(goal)
            try await sinks(database, ["add", "extra"])
            try await relay.waitForLog("unconfigured_sink") { $0.fields["sink"] == "extra" }
            try await sinks(database, ["remove", "extra"])
            try await eventually("the sink is let go of") {
                try await database.number("SELECT count(*) FROM outbox_sink WHERE name = 'extra'") == 0
            }
        }
        _ = try await statistics
        try await database.becomesSettled()
        #expect(try await database.query("SELECT name FROM outbox_sink") == [["stdout"]])
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], comment: soak.description)
    }

    @Test func aRegisteredSinkThatIsNotConfiguredHoldsPublishing() async throws {
        let database = try await PrivateCluster.shared().database()
        try await sinks(database, ["add", "archive"])
        try await database.insert(20)
        let relay = try await RelayProcess.drained(database, .poll)
        #expect(!relay.log.entries(of: "unconfigured_sink").isEmpty)
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 20)
        let later = try await RelayProcess.leading(database, .poll)
        try await sinks(database, ["remove", "archive"])
        try await database.becomesSettled()
        try await later.stop()
        try await expectComplete(database, [relay, later])
    }

    /// What one sink has passed as absent and another has not is in ranges, written and cut piece by piece.
    @Test(arguments: Mode.allCases) func gapsBetweenSinks(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await sinks(database, ["add", "archive"])
        let everySecond = """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', 'a', 't.x', jsonb_build_object('n', nextval('outbox_id_seq')) FROM generate_series(1, 3000) n
            """
        let missing = """
            SELECT count(*) FROM generate_series(1, (SELECT max(id) FROM outbox)) AS n
            WHERE (EXISTS (SELECT FROM outbox_absent WHERE n BETWEEN first_id AND last_id))
              <> (NOT EXISTS (SELECT FROM outbox WHERE id = n))
            """
        try await database.execute(everySecond)
        let first = try await RelayProcess.drained(database, mode)
        #expect(try await database.number("SELECT count(*) FROM outbox_absent") >= 2999)
        #expect(try await database.number(missing) == 0)
        let late = try await database.numbers("SELECT first_id FROM outbox_absent ORDER BY 1 OFFSET 1000 LIMIT 2")
        for id in late { try await database.insert(id: id) }
        try await database.execute(everySecond)
        let second = try await RelayProcess.drained(database, mode)
        #expect(try await database.number(missing) == 0)
        let third = try await RelayProcess.leading(database, mode)
        try await sinks(database, ["remove", "archive"])
        try await database.becomesSettled()
        #expect(try await database.number("SELECT count(*) FROM outbox_absent") == 0)
        #expect(try await third.stop() == .exited(0))
        try await expectComplete(database, [first, second, third], late: Set(late))
    }

    @Test(arguments: Mode.allCases) func movedBack(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        let last = try await database.insert(100)
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        try await sinks(database, ["move", "stdout", "--to", "41"])
        try await relay.waitForEvents(160)
        #expect(relay.output.ids == Array(1...100) + Array(41...100))
        try await sinks(database, ["move", "stdout", "--to", "beginning"])
        try await relay.waitForEvents(260)
        #expect(relay.output.ids.suffix(100) == Array(1...100)[...])
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], duplicates: 160)
    }

    @Test(arguments: Mode.allCases) func movedForward(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3000)
        _ = try await RelayProcess.command(["sinks", "add", "stdout", "--database", database.conninfo])
        try await sinks(database, ["move", "stdout", "--to", "2991"])
        let relay = try await RelayProcess.drained(database, mode)
        #expect(relay.output.ids == Array(2991...3000))
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 0)
    }

    @Test func movedWhileProducersWrite() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        let soak = Soak(database, producers: 4, duration: .seconds(4), longest: 0.3)
        async let statistics = soak.run()
        try await relay.waitForEvents(50)
        for _ in 0..<3 { try await sinks(database, ["move", "stdout", "--to", "beginning"]) }
        _ = try await statistics
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        let audit = Audit(relay.output.ids)
        let lost = audit.lost(of: try await database.ids())
        #expect(lost.isEmpty, "\(soak.description)")
        #expect(audit.outOfOrder().isEmpty, "\(soak.description)")
    }
}
