import Libpq
import RelayTestKit
import Testing

/// Ids are about to be issued a second time: the relay stops, says so, and nobody goes on before it is fixed.
@Suite(.heavy) struct TimeTravelTests {
    /// What an operator may do to the sequence, after ten events were delivered.
    static let accidents = ["ALTER SEQUENCE outbox_id_seq RESTART WITH 3", "TRUNCATE outbox RESTART IDENTITY"]

    private func expectRefusal(_ database: TestDatabase, _ mode: Mode) async throws {
        let (status, relay) = try await RelayProcess.command(
            ["run", "--mode", mode.rawValue, "--database", database.conninfo])
        #expect(status == .exited(78), "\(relay.log.text)")
        #expect(relay.output.count == 0)
    }

    private func repairAndResume(_ database: TestDatabase, _ mode: Mode) async throws {
        try await database.execute("ALTER SEQUENCE outbox_id_seq RESTART WITH 100")
        // Repaired is not resumed: an operator must have looked.
        #expect(try await database.isTrue("SELECT stopped_reason IS NOT NULL FROM outbox_leader"))
        try await expectRefusal(database, mode)
        let (status, resume) = try await RelayProcess.command(["resume", "--database", database.conninfo])
        #expect(status == .exited(0), "\(resume.log.text)")
        let last = try await database.insert(3)
        let relay = try await RelayProcess.drained(database, mode)
        #expect(relay.output.ids == [last - 2, last - 1, last])
    }

    @Test(arguments: Mode.allCases, accidents) func underARunningRelay(_ mode: Mode, _ accident: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        let standby = try RelayProcess.run(database, ["--mode", mode.rawValue])
        try await standby.waitForLog("standby")
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        try await database.execute(accident)
        #expect(try await relay.exitStatus() == .exited(78), "\(relay.log.text)")
        #expect(!relay.log.entries(of: "went_back").isEmpty, "\(relay.log.text)")
        #expect(relay.log.text.contains("resume"))
        #expect(try await standby.exitStatus() == .exited(78), "\(standby.log.text)")
        try await expectRefusal(database, mode)
        try await repairAndResume(database, mode)
    }

    @Test(arguments: Mode.allCases, accidents) func underAStoppedRelay(_ mode: Mode, _ accident: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        _ = try await RelayProcess.drained(database, mode)
        try await database.execute(accident)
        try await expectRefusal(database, mode)
        try await expectRefusal(database, mode)
        try await repairAndResume(database, mode)
    }

    /// Every table and the sequence as they were some events ago.
    @Test(arguments: Mode.allCases) func aRestoreUnderARunningRelay(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await database.execute(
            """
            CREATE TABLE saved_outbox AS TABLE outbox; CREATE TABLE saved_sink AS TABLE outbox_sink;
            CREATE TABLE saved_last AS SELECT last_value FROM outbox_id_seq
            """)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        try await database.execute(
            """
            TRUNCATE outbox; INSERT INTO outbox OVERRIDING SYSTEM VALUE TABLE saved_outbox;
            DELETE FROM outbox_sink; INSERT INTO outbox_sink TABLE saved_sink;
            SELECT setval('outbox_id_seq', (SELECT last_value FROM saved_last))
            """)
        #expect(try await relay.exitStatus() == .exited(78), "\(relay.log.text)")
        #expect(!relay.log.entries(of: "went_back").isEmpty, "\(relay.log.text)")
        try await expectRefusal(database, mode)
        try await repairAndResume(database, mode)
    }

    /// What was delivered and not settled must be there still, as it was, once a lost connection is back.
    @Test(
        arguments: Mode.allCases,
        [
            "UPDATE outbox SET created_at = created_at + interval '1 s' WHERE id = $",
            // Ids are about to be issued a second time, whatever the sequence says afterwards.
            "TRUNCATE outbox RESTART IDENTITY; SELECT setval('outbox_id_seq', 1000)",
        ]) func aDeliveredRowIsAnotherAfterALostConnection(_ mode: Mode, _ accident: String) async throws
    {
        let database = try await PrivateCluster.shared().database()
        let (relay, last) = try await unsettled(database, mode, accident)
        #expect(try await relay.exitStatus() == .exited(78), "\(relay.log.text)")
        let entries = relay.log.entries(of: "went_back")
        let first = accident.hasPrefix("TRUNCATE") ? last - 4 : last - 2
        #expect(entries.contains { $0.text.contains("event \(first),") }, "\(relay.log.text)")
        try await expectRefusal(database, mode)
    }

    /// Gone is not gone back: somebody deleted a row that was delivered, and the relay goes on.
    @Test(arguments: Mode.allCases, ["DELETE FROM outbox WHERE id = $", "DELETE FROM outbox", "TRUNCATE outbox"])
    func aDeliveredRowIsGoneAfterALostConnection(_ mode: Mode, _ cleanUp: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let (relay, last) = try await unsettled(database, mode, cleanUp)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await relay.waitForLog("row_gone")
        let told = relay.log.entries(of: "row_gone").first
        #expect(told?.fields["first_id"] == "\(cleanUp.hasSuffix("$") ? last - 2 : last - 4)", "\(relay.log.text)")
        #expect(try await relay.stop() == .exited(0))
        #expect(relay.output.ids == Array(1...(last + 5)), "each came once")
        #expect(relay.log.entries(of: "went_back").isEmpty)
    }

    /// Five events are delivered and cannot be settled; then something happens to them while the sessions are cut.
    private func unsettled(
        _ database: TestDatabase, _ mode: Mode, _ accident: String
    ) async throws -> (RelayProcess, Int64) {
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        let last = try await database.whileNothingSettles { holder in
            let last = try await database.insert(5)
            try await relay.waitForEvent(id: last)
            try await holder.execute(
                SQLText(
                    trusting: """
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name LIKE 'outbox-relay %';
                        \(accident.replacing("$", with: "\(last - 2)"))
                        """))
            return last
        }
        return (relay, last)
    }

    @Test func resumeBeforeTheMendRefuses() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        _ = try await RelayProcess.drained(database, .poll)
        try await database.execute(Self.accidents[0])
        try await expectRefusal(database, .poll)
        let (status, resume) = try await RelayProcess.command(["resume", "--database", database.conninfo])
        #expect(status == .exited(78), "\(resume.log.text)")
        try await expectRefusal(database, .poll)
    }

    /// A row above the sequence, given by hand, is held and named: the sequence has yet to issue its id.
    @Test func anIDAboveTheSequence() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .poll)
        try await database.insert(id: 1000)
        try await relay.waitForLog("order_hold")
        try await eventually("status names it") {
            let (_, status) = try await RelayProcess.command(["status", "--database", database.conninfo])
            let told = status.output.strays.joined()
            return told.contains("event 1000 is not delivered: it is above the sequence's last value")
        }
        try await relay.waitForEvent(id: try await database.insert(3))
        #expect(relay.output.ids == [1, 2, 3])
        try await database.execute("SELECT setval('outbox_id_seq', 1000)")
        try await relay.waitForEvent(id: 1000)
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }
}
