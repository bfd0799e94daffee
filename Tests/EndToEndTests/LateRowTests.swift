import Libpq
import RelayTestKit
import Testing

/// Rows that turn up below a place already passed: delivered once, out of turn, and named.
@Suite(.heavy) struct LateRowTests {
    private func drawn(_ database: TestDatabase) async throws -> Int64 {
        try await database.number("SELECT nextval('outbox_id_seq')")
    }

    @Test(arguments: Mode.allCases) func underARunningRelay(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.insert(3)
        let ids = [try await drawn(database), try await drawn(database)]
        try await relay.waitForEvent(id: try await database.insert(3))
        try await database.becomesSettled()
        for id in ids {
            try await database.insert(id: id)
            try await relay.waitForEvent(id: id)
            try await relay.waitForLog("late_event") { $0.fields["id"] == "\(id)" }
        }
        try await database.becomesSettled()
        try await relay.waitForEvent(id: try await database.insert(2))
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], late: Set(ids))
        #expect(relay.log.entries(of: "late_event").count == ids.count)
    }

    @Test(arguments: Mode.allCases) func overARestart(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let id = try await drawn(database)
        try await database.insert(5)
        let first = try await RelayProcess.drained(database, mode)
        try await database.insert(id: id)
        let second = try await RelayProcess.drained(database, mode)
        #expect(second.output.ids == [id])
        try await second.waitForLog("late_event") { $0.fields["id"] == "\(id)" }
        try await expectComplete(database, [first, second], late: [id])
        #expect(try await RelayProcess.drained(database, mode).output.count == 0)
    }

    /// Creating a slot waits for the open transaction; its row commits before the stream leads, and the outbox is
    /// idle otherwise.
    @Test func betweenSlotCreationAndTakeOver() async throws {
        let database = try await PrivateCluster.shared().database()
        let id = try await drawn(database)
        try await database.insert(5)
        let first = try await RelayProcess.drained(database, .wal)
        try await database.withConnection { slow in
            try await slow.execute(
                """
                BEGIN; INSERT INTO outbox_unpublished (id, aggregate_type, aggregate_id, event_type, payload)
                OVERRIDING SYSTEM VALUE VALUES (\(Int(id)), 't', 'a', 't.x', '{}')
                """)
            let relay = try RelayProcess.run(database, ["--mode", "wal"])
            try await eventually("the slot waits for the transaction") { try await database.slots() > 0 }
            try await slow.execute("COMMIT")
            try await relay.waitForEvent(id: id)
            try await relay.waitForLog("streaming")
            try await database.becomesSettled()
            #expect(try await relay.stop() == .exited(0))
            try await expectComplete(database, [first, relay], late: [id])
        }
    }

    @Test func belowZero() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(2)
        let first = try await RelayProcess.drained(database, .poll)
        try await database.insert(id: -7)
        let second = try await RelayProcess.drained(database, .poll)
        #expect(second.output.ids == [-7])
        #expect(second.output.deliveries.first?.text.contains("sequence") == false)
        try await expectComplete(database, [first, second], late: [-7])
    }
}
