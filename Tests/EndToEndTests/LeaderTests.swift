import Glibc
import RelayTestKit
import Testing

/// One relay delivers at a time, and there is always one.
@Suite(.heavy) struct LeaderTests {
    private func pair(_ database: TestDatabase, _ mode: Mode) async throws -> (RelayProcess, RelayProcess) {
        let leader = try await RelayProcess.leading(database, mode)
        let standby = try RelayProcess.run(database, ["--mode", mode.rawValue])
        let entry = try await standby.waitForLog("standby")
        let pid = try await database.number("SELECT pid FROM outbox_leader_session WHERE role = 'leader'")
        #expect(entry.fields["pid"] == "\(pid)", "\(entry)")
        return (leader, standby)
    }

    @Test(arguments: Mode.allCases) func aKilledLeader(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let (leader, standby) = try await pair(database, mode)
        try await leader.waitForEvent(id: try await database.insert(100))
        try await database.becomesSettled()
        leader.signal(SIGKILL)
        try await standby.waitForLog("leading", within: .seconds(1) + noise)
        let last = try await database.insert(100)
        try await standby.waitForEvent(id: last)
        try await database.becomesSettled()
        try await standby.stop()
        try await expectComplete(database, [leader, standby])
    }

    @Test(arguments: Mode.allCases) func aLeaderThatStopsInGoodOrder(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let (leader, standby) = try await pair(database, mode)
        try await leader.waitForEvent(id: try await database.insert(100))
        #expect(try await leader.stop() == .exited(0))
        try await standby.waitForLog("leading", within: .seconds(1) + noise)
        try await standby.waitForEvent(id: try await database.insert(100))
        try await standby.stop()
        try await expectComplete(database, [leader, standby])
    }

    /// Frozen while the server is in the middle of writing a large answer to it over a unix socket.
    @Test(arguments: Mode.allCases, [20, 20_000]) func aFrozenLeader(_ mode: Mode, bytes: Int) async throws {
        let database = try await PrivateCluster.shared().database()
        let (leader, standby) = try await pair(database, mode)
        async let inserted = database.insert(6000, bytes: bytes)
        try await leader.waitForEvents(50)
        leader.signal(SIGSTOP)
        try await standby.waitForLog("leading", within: .seconds(2) + .seconds(1) + noise)
        try await standby.waitForEvent(id: try await inserted)
        let cursor = try await database.number("SELECT max(delivered_through) FROM outbox_sink")
        leader.signal(SIGCONT)
        // It finds out for itself, and stands by again.
        try await leader.waitForLog("standby")
        let last = try await database.insert(10)
        try await standby.waitForEvent(id: last)
        try await database.becomesSettled()
        #expect(try await database.number("SELECT max(delivered_through) FROM outbox_sink") >= cursor)
        try await leader.stop()
        try await standby.stop()
        #expect(!leader.output.ids.contains(last))
        try await expectComplete(database, [leader, standby], duplicates: 1000)
    }

    /// The one that wakes up has acknowledged events in hand; the cursor is the successor's alone.
    @Test(arguments: Mode.allCases) func oneThatWakesUpSettlesNothing(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let (leader, standby) = try await pair(database, mode)
        try await leader.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        leader.signal(SIGSTOP)
        try await standby.waitForLog("leading", within: .seconds(2) + .seconds(1) + noise)
        // Nobody is left to settle: the successor goes too, before anything new is there.
        try await standby.kill()
        try await database.execute(
            "UPDATE outbox_leader SET stopped_reason = 'held by the test', stopped_at = clock_timestamp()")
        let epoch = try await database.number("SELECT epoch FROM outbox_leader")
        try await database.insert(10)
        leader.signal(SIGCONT)
        #expect(try await leader.exitStatus() == .exited(78), "\(leader.log.text)")
        #expect(leader.output.count == 10)
        #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 10)
        #expect(try await database.number("SELECT epoch FROM outbox_leader") >= epoch)
    }

    /// Nobody has entered it yet as owed: a sweep of the leader will, and the standby waits for that.
    @Test func untilDrainedWaitsForALateRow() async throws {
        let database = try await PrivateCluster.shared().database()
        let late = try await database.numbers("SELECT nextval('outbox_id_seq') FROM generate_series(1, 4)")
        let leader = try await RelayProcess.leading(database, .poll)
        try await leader.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        for id in late {
            try await database.insert(id: id)
            let standby = try RelayProcess.run(database, ["--until-drained"])
            #expect(try await standby.exitStatus() == .exited(0), "\(standby.log.text)")
            #expect(try await database.number("SELECT count(*) FROM outbox_unpublished") == 0)
            #expect(standby.output.count == 0)
        }
        try await leader.stop()
        try await expectComplete(database, [leader], late: Set(late))
    }

    @Test func untilDrainedWaitsForTheLeader() async throws {
        let database = try await PrivateCluster.shared().database()
        let leader = try await RelayProcess.leading(database, .poll)
        let standby = try RelayProcess.run(database, ["--until-drained"])
        try await leader.waitForEvent(id: try await database.insert(500))
        #expect(try await standby.exitStatus() == .exited(0), "\(standby.log.text)")
        #expect(standby.output.count == 0)
        try await leader.stop()
    }
}
