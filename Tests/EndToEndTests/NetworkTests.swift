import Libpq
import RelayTestKit
import Testing

/// The network between a relay and its server hangs, without an end that anybody would notice, or loses an answer.
@Suite(.heavy) struct NetworkTests {
    private func relay(
        _ database: TestDatabase, through proxy: NetworkProxy, _ mode: Mode
    ) async throws -> RelayProcess {
        let conninfo = "host=127.0.0.1 port=\(proxy.port) user=postgres dbname=\(database.name)"
        let relay = try RelayProcess.start(["run", "--database", conninfo, "--mode", mode.rawValue])
        try await relay.waitForLog("leading")
        if mode == .wal { try await relay.waitForLog("streaming") }
        return relay
    }

    @Test(arguments: Mode.allCases) func theStandbyLeadsWhileTheLeaderIsCutOff(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let proxy = try NetworkProxy(to: database.cluster.port)
        let leader = try await relay(database, through: proxy, mode)
        let standby = try RelayProcess.run(database, ["--mode", mode.rawValue])
        try await standby.waitForLog("standby")
        try await leader.waitForEvent(id: try await database.insert(100))
        proxy.cut()
        try await database.insert(50)
        // The server ends the silent session after the leader timeout.
        try await standby.waitForLog("leading", within: .seconds(2) + .seconds(1) + noise)
        try await standby.waitForEvent(id: try await database.insert(100))
        proxy.heal()
        try await leader.waitForLog("standby")
        let last = try await database.insert(10)
        try await standby.waitForEvent(id: last)
        try await database.becomesSettled()
        try await leader.stop()
        try await standby.stop()
        #expect(!leader.output.ids.contains(last))
        try await expectComplete(database, [leader, standby], duplicates: 1000)
    }

    /// Nobody tells it that its connections are gone: it finds out, and nothing that it delivered comes again.
    @Test(arguments: Mode.allCases) func aLoneLeaderLeadsAgain(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let proxy = try NetworkProxy(to: database.cluster.port)
        let relay = try await relay(database, through: proxy, mode)
        let soak = Soak(database, producers: 4, duration: .seconds(8), longest: 0.5)
        async let statistics = soak.run()
        for round in 1...2 {
            let delivered = relay.output.count
            try await relay.waitForEvents(delivered + 50)
            proxy.cut()
            // It gives its sessions up without having heard of their end.
            try await eventually("it notices for the \(round). time: \(relay.log.text)") {
                relay.log.entries(of: "deposed").count >= round
            }
            proxy.heal()
            try await eventually("it leads again: \(relay.log.text)") {
                relay.log.entries(of: "leading").count > round
            }
        }
        _ = try await statistics
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        try await expectComplete(database, [relay], comment: soak.description)
    }

    /// The epoch is raised, and the one who raised it never hears of it: what it delivered before is still its own.
    @Test(arguments: Mode.allCases) func theAnswerToATakeOverIsLost(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let proxy = try NetworkProxy(to: database.cluster.port)
        let relay = try await relay(database, through: proxy, mode)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        try await database.whileNothingSettles { holder in
            try await relay.waitForEvent(id: try await database.insert(20))
            proxy.loseAnswer(to: "'leader')")
            try await holder.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay %'
                """)
        }
        try await relay.waitForEvent(id: try await database.insert(10))
        #expect(proxy.lostAnswers == 1)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        try await expectComplete(database, [relay])
    }
}
