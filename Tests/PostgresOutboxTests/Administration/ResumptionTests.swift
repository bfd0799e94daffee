import PostgresOutbox
import RelayTestKit
import Testing

/// A stop is lifted only once its cause is fixed.
@Suite struct ResumptionTests {
    /// Rows 1 to 5, a sink that has them, and a stop.
    private func stopped() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.register(["a": 5])
        try await database.execute("UPDATE outbox_leader SET stopped_reason = 'it went back', stopped_at = now()")
        return database
    }

    private func resume(_ database: TestDatabase) async throws -> Resumption.Outcome {
        try await database.withAdministrator { try await Resumption($0).perform() }
    }

    @Test func whereNothingIsStoppedThereIsNothingToDo() async throws {
        #expect(try await resume(try await PrivateCluster.shared().database()) == .wasNotStopped)
    }

    @Test func theReasonIsToldAndGone() async throws {
        let database = try await stopped()
        #expect(try await resume(database) == .resumed(reason: "it went back"))
        #expect(try await database.isTrue("SELECT stopped_reason IS NULL AND stopped_at IS NULL FROM outbox_leader"))
        #expect(try await resume(database) == .wasNotStopped)
    }

    @Test(arguments: [
        ("SELECT setval('outbox_id_seq', 4)", "below id 5 that is in the outbox", "RESTART WITH 6"),
        ("DELETE FROM outbox; SELECT setval('outbox_id_seq', 4)", "below id 5 that sink a was given", "RESTART WITH 6"),
        // The next id would be 5.
        ("SELECT setval('outbox_id_seq', 5, false)", "below id 5 that is in the outbox", "RESTART WITH 6"),
        (
            "UPDATE outbox_sink SET delivered_through = 9", "below id 9 that sink a was given", "RESTART WITH 10"
        ),
    ])
    func aCauseThatStandsIsNamed(_ accident: String, _ problem: String, _ remedy: String) async throws {
        let database = try await stopped()
        try await database.execute(accident)
        let refusal = await #expect(throws: Refusal.self) { _ = try await resume(database) }
        #expect(refusal?.check == "went_back" && refusal?.kind == .configuration)
        #expect(refusal?.problem.contains(problem) == true, "\(refusal?.problem ?? "")")
        #expect(refusal?.remedy.contains(remedy) == true, "\(refusal?.remedy ?? "")")
        #expect(try await database.value("SELECT stopped_reason FROM outbox_leader") == "it went back")
    }
}
