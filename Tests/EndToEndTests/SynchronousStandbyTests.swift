import RelayTestKit
import Testing

/// Where a commit waits for a standby, so does its event: nothing leaves that a failover could take back.
@Suite(.heavy) struct SynchronousStandbyTests {
    @Test(arguments: Mode.allCases) func nothingLeavesBeforeTheCommitIsReleased(_ mode: Mode) async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await requireStandby(cluster, database)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<3 { group.addTask { try await database.insert(4) } }
            try await eventually("three commits wait") {
                try await database.number("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") >= 3
            }
            try await stays("nothing leaves", for: .seconds(2)) { relay.output.count == 5 }
            try cluster.set(["synchronous_standby_names": ""])
            cluster.reload()
            try await group.waitForAll()
        }
        try await relay.waitForEvents(17)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    /// The relay's own commit waits: it says so, keeps the lead, and delivers up to the window.
    @Test func aSettlingCommitThatWaits() async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, .poll, ["--window", "50"])
        try await relay.waitForEvent(id: try await database.insert(1))
        try await database.becomesSettled()
        try await requireStandby(cluster, database)
        try await database.execute("SET synchronous_commit = local; \(Self.insert(rows: 120))")
        try await relay.waitForEvents(2)
        let entry = try await relay.waitForLog("commit_waits")
        #expect(entry.fields["seconds"] == "1", "\(entry)")
        #expect(relay.output.count <= 51)
        #expect(relay.log.entries(of: "deposed").isEmpty)
        try cluster.set(["synchronous_standby_names": ""])
        cluster.reload()
        try await relay.waitForEvents(121)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    /// A sink is registered before anything is delivered, and that commit waits too: it is said, and the lead is kept.
    @Test func aRegistrationThatWaits() async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        try await database.insert(3)
        try cluster.set(["synchronous_standby_names": "nobody"])
        cluster.reload()
        try await eventually("the setting is in force") {
            try await database.value("SHOW synchronous_standby_names") == "nobody"
        }
        let relay = try RelayProcess.run(database, ["--leader-timeout", "500ms"])
        let entry = try await relay.waitForLog("waiting")
        #expect(entry.text.contains("waits for synchronous standby"), "\(entry)")
        let epoch = try await database.number("SELECT epoch FROM outbox_leader")
        try await stays("it keeps the lead", for: .seconds(2)) {
            try await database.number("SELECT epoch FROM outbox_leader") == epoch
        }
        try cluster.set(["synchronous_standby_names": ""])
        cluster.reload()
        try await relay.waitForEvents(3)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    /// Makes commits wait for a standby that is not there, and waits until the relay has had a beat since.
    private func requireStandby(_ cluster: PrivateCluster, _ database: TestDatabase) async throws {
        try cluster.set(["synchronous_standby_names": "nobody"])
        cluster.reload()
        try await eventually("the setting is in force") {
            try await database.value("SHOW synchronous_standby_names") == "nobody"
        }
        let now = try await database.value("SELECT clock_timestamp()") ?? ""
        try await eventually("the leader has asked again") {
            try await database.isTrue(
                """
                SELECT bool_or(query_start > '\(now)') FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay leader%' AND state = 'idle'
                """)
        }
    }

    private static func insert(rows: Int) -> String {
        """
        INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
        SELECT 't', 'a', 't.x', '{}' FROM generate_series(1, \(rows))
        """
    }
}
