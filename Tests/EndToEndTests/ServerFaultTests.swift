import RelayTestKit
import Testing

/// The server goes away in every manner, and comes back; the relay stays.
@Suite(.heavy) struct ServerFaultTests {
    @Test(arguments: Mode.allCases, [PrivateCluster.StopMode.fast, .immediate])
    func restartUnderTheRelay(_ mode: Mode, _ stop: PrivateCluster.StopMode) async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, mode)
        let soak = Soak(database, producers: 4, duration: .seconds(5), longest: 0.5)
        async let statistics = soak.run()
        try await relay.waitForEvents(200)
        try await cluster.restart(mode: stop)
        _ = try await statistics
        try await database.becomesSettled()
        if mode == .wal {
            try await eventually("it streams again") { relay.log.entries(of: "streaming").count >= 2 }
        }
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], comment: soak.description)
    }

    @Test(arguments: Mode.allCases) func eachSessionTerminated(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(20))
        for role in mode == .wal ? ["stream", "work", "leader", ""] : ["work", "leader", ""] {
            for _ in 0..<2 {
                let streamed = relay.log.entries(of: "streaming").count
                try await eventually("there is a session to terminate: \(role)") {
                    try await database.number(
                        """
                        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                        WHERE datname = current_database() AND application_name LIKE 'outbox-relay \(role)%'
                        """) > 0
                }
                try await relay.waitForEvent(id: try await database.insert(20))
                if mode == .wal {
                    try await eventually("it streams again after \(role): \(relay.log.text)") {
                        relay.log.entries(of: "streaming").count > streamed
                    }
                }
            }
        }
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test(arguments: Mode.allCases) func aServerThatIsNotThereYet(_ mode: Mode) async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        try await database.insert(10)
        try await cluster.stop()
        let relay = try RelayProcess.run(database, ["--mode", mode.rawValue])
        try await relay.waitForLog("waiting")
        try await cluster.start()
        try await relay.waitForEvents(10)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test func aSignalWhileItWaitsForItsDatabase() async throws {
        let conninfo = "host=127.0.0.1 port=\(try PrivateCluster.freePort()) user=postgres"
        let relay = try RelayProcess.start(["run", "--database", conninfo])
        try await relay.waitForLog("waiting")
        #expect(try await relay.stop() == .exited(0))
    }
}
