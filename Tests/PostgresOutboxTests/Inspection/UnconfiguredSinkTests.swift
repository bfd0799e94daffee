import PostgresOutbox
import RelayTestKit
import Testing

/// What `doctor` says of sinks that are registered and perhaps served by nobody.
@Suite struct UnconfiguredSinkTests {
    /// A sink of some rows, and what a leader has recorded of it.
    private func database(recorded: Bool?) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.register(["billing": 2])
        if let recorded {
            try await database.execute(
                "INSERT INTO outbox_sink_state (sink, configured) VALUES ('billing', \(recorded))")
        }
        return database
    }

    private func failed(_ database: TestDatabase, _ needs: RelayNeeds) async throws -> [Check] {
        try await database.withAdministrator { session in
            try await Inspector(session).unconfiguredChecks(needs).filter { !$0.ok }
        }
    }

    private func led(_ database: TestDatabase, _ needs: RelayNeeds) async throws -> [Check] {
        try await database.withLeader { leader in
            #expect(try await leader.tryLock())
            return try await failed(database, needs)
        }
    }

    /// Whatever the options of whoever asks say.
    @Test(arguments: [["billing"], ["stdout"], []]) func theLeaderIsNotConfiguredWithIt(_ sinks: [String]) async throws
    {
        let database = try await database(recorded: false)
        let needs = RelayNeeds(sinks: sinks)
        for found in [try await failed(database, needs), try await led(database, needs)] {
            #expect(found.map(\.name) == ["unconfigured_sink:billing"] && found.first?.severity == .error)
            #expect(found.first?.problem?.contains("it keeps 3 rows unpublished") == true, "\(found)")
            #expect(found.first?.remedy?.contains("outbox-relay sinks remove billing") == true)
        }
    }

    @Test func theLeaderServesIt() async throws {
        let database = try await database(recorded: true)
        #expect(try await led(database, RelayNeeds(sinks: ["stdout"])) == [])
        #expect(try await failed(database, RelayNeeds(sinks: ["billing"])) == [])
    }

    /// Who led last did, and what is to run next may not.
    @Test(arguments: [true, nil]) func nobodyLeadsAndTheOptionsDoNotNameIt(_ recorded: Bool?) async throws {
        let database = try await database(recorded: recorded)
        let found = try await failed(database, RelayNeeds(sinks: ["stdout"]))
        #expect(found.map(\.name) == ["unconfigured_sink:billing"] && found.first?.severity == .warning)
        #expect(found.first?.problem?.contains("it keeps 3 rows unpublished") == true, "\(found)")
        #expect(try await failed(database, RelayNeeds(sinks: ["billing"])) == [])
    }

    @Test func oneThatGoes() async throws {
        let database = try await database(recorded: false)
        try await database.execute("UPDATE outbox_sink SET removing = true")
        let checks = try await database.withAdministrator { session in
            try await Inspector(session).unconfiguredChecks(RelayNeeds())
        }
        #expect(checks == [.passed("unconfigured_sink")])
    }

    @Test(arguments: [true, false, nil]) func competingRelaysServeNone(_ recorded: Bool?) async throws {
        let database = try await database(recorded: recorded)
        let found = try await failed(database, RelayNeeds(isOrdered: false, sinks: ["billing"]))
        #expect(found.map(\.severity) == [.error])
        #expect(found.first?.problem?.contains("--order none") == true, "\(found)")
    }
}
