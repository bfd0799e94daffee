import Libpq
import RelayTestKit
import Testing

/// Eight producers that do all that is hard on an order by id. `SOAK=long` makes it minutes.
@Suite(.heavy) struct SoakTests {
    private static let duration: Duration = isLongSoak ? .seconds(120) : .seconds(6)

    @Test(arguments: Mode.allCases) func oneMode(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        let soak = Soak(database, duration: Self.duration)
        _ = try await soak.run()
        try await database.becomesSettled(within: .seconds(60))
        #expect(try await relay.stop() == .exited(0))
        #expect(relay.log.entries(of: "late_event").isEmpty)
        try await expectComplete(database, [relay], comment: soak.description)
    }

    @Test func switchingModes() async throws {
        let database = try await PrivateCluster.shared().database()
        let soak = Soak(database, duration: Self.duration)
        async let statistics = soak.run()
        var relays: [RelayProcess] = []
        let end = ContinuousClock.now + Self.duration
        var mode = Mode.poll
        while ContinuousClock.now < end {
            let relay = try RelayProcess.run(database, ["--mode", mode.rawValue])
            // The slot comes once the transactions that were open have ended: it polls until then.
            if mode == .wal { _ = try await holds(within: .seconds(4)) { !relay.log.entries(of: "streaming").isEmpty } }
            try await relay.waitForEvents(150)
            #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
            relays.append(relay)
            mode = mode == .poll ? .wal : .poll
        }
        _ = try await statistics
        relays.append(try await RelayProcess.drained(database, mode))
        try await expectComplete(database, relays, comment: soak.description)
    }

    /// The stream is lost again and again, so that the relay changes over by itself.
    @Test func streamLostAgainAndAgain() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .wal)
        let soak = Soak(database, duration: Self.duration)
        async let statistics = soak.run()
        let end = ContinuousClock.now + Self.duration
        while ContinuousClock.now < end {
            let streamed = relay.log.entries(of: "streaming").count
            try await database.execute(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay stream%'
                """)
            // Creating a slot waits for the transactions that are open; those of the soak end.
            _ = try await holds(within: .seconds(5)) { relay.log.entries(of: "streaming").count > streamed }
        }
        _ = try await statistics
        try await database.becomesSettled(within: .seconds(60))
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], comment: soak.description)
    }

    /// Prepared transactions outlive the server, under another virtual transaction.
    @Test(arguments: Mode.allCases) func preparedAcrossARestart(_ mode: Mode) async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, mode)
        let soak = Soak(database, duration: Self.duration, longest: 0.5)
        async let statistics = soak.run()
        for stop in [PrivateCluster.StopMode.immediate, .fast] {
            try await database.withConnection { connection in
                try await eventually("transactions are prepared") {
                    (try await connection.query("SELECT count(*) FROM pg_prepared_xacts").int(0, 0) ?? 0) > 0
                }
            }
            try await cluster.restart(mode: stop)
        }
        _ = try await statistics
        try await database.becomesSettled(within: .seconds(60))
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], comment: soak.description)
    }
}
