import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// When a sink that is removed goes, and what goes with it.
@Suite struct EndingSinkTests {
    private func ending(_ name: String, _ database: TestDatabase) async throws {
        try await database.execute(
            """
            UPDATE outbox_sink SET removing = true, earned = false WHERE name = '\(name)';
            INSERT INTO outbox_sink_state (sink) SELECT name FROM outbox_sink;
            INSERT INTO outbox_parked_request (sink, id) SELECT name, 9 FROM outbox_sink
            """)
    }

    @Test func itWaitsForWhatItIsOwedAndGoesWithAllThatIsIts() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.register(["a": 5, "b": 5])
        try await ending("b", database)
        try await database.execute("INSERT INTO outbox_late (sink, id) VALUES ('b', 3)")
        try await database.withWork { work in
            let level = LaneProgress(sink: "b", generation: 2, done: [], passedThrough: 5)
            _ = try await work.settle([level], inClaim: false)
            #expect(try await database.cursors() == ["a 5 earned", "b 5"], "row 3 is owed to it still")
            var passed = level
            passed.owedDone = [3]
            let state = try await work.settle([passed], inClaim: false)
            #expect(state.sinks.map(\.name) == ["a"])
            #expect(try await database.cursors() == ["a 5 earned"])
            #expect(try await database.owed() == [])
            #expect(try await database.lines("SELECT sink FROM outbox_sink_state") == ["a"])
            #expect(try await database.lines("SELECT sink FROM outbox_parked_request") == ["a"])
            #expect(try await database.published() == [3])
        }
    }

    /// Ranges that only it had kept standing go with it, those that no settlement has looked at included.
    @Test func rangesBelowTheOthersGoWithIt() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.execute("UPDATE outbox SET published_at = now()")
        try await database.register(["a": 20, "b": 3, "c": 7])
        try await ending("b", database)
        try await database.execute("INSERT INTO outbox_absent (first_id, last_id) VALUES (4, 4), (6, 10), (12, 20)")
        try await database.withWork { work in
            let passed = LaneProgress(sink: "b", generation: 2, done: [], passedThrough: 20)
            let state = try await work.settle([passed], inClaim: false)
            #expect(state.sinks.map(\.name) == ["a", "c"])
            #expect(try await database.ranges() == ["8-10", "12-20"])
        }
    }
}
