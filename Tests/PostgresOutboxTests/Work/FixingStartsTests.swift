import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// Where a new sink begins.
@Suite struct FixingStartsTests {
    /// Rows 1 to 10, published up to one of them.
    private func outbox(publishedThrough id: Int64) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        try await database.execute("UPDATE outbox SET published_at = now() WHERE id <= \(id)")
        return database
    }

    @Test func theOldestIsFixedOnceNobodyCanBringALowerOne() async throws {
        let database = try await outbox(publishedThrough: 4)
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('a', 'oldest')")
        try await database.withWork { work in
            let early = try await work.fixStarts(closedThrough: 10, firstScanIsOver: false)
            #expect(early.map(\.isFixed) == [false])
            let fixed = try await work.fixStarts(closedThrough: 10, firstScanIsOver: true)
            #expect(fixed == [SinkRegistration(name: "a", generation: 1, cursor: 4)])
            #expect(try await database.cursors() == ["a 4"])
            #expect(try await database.isTrue("SELECT start IS NULL FROM outbox_sink"))
        }
    }

    /// It does not jump over what the others are owed.
    @Test func theLatestPassesWhatLiesBetween() async throws {
        let database = try await outbox(publishedThrough: 4)
        try await database.register(["a": 4])
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('b', 'latest')")
        try await database.withWork { work in
            let sinks = try await work.fixStarts(closedThrough: 8, firstScanIsOver: true)
            #expect(sinks.last == SinkRegistration(name: "b", generation: 2, cursor: 4, passThrough: 8))
            #expect(try await database.cursors() == ["a 4 earned", "b 4"])
            #expect(try await database.number("SELECT pass_through FROM outbox_sink WHERE name = 'b'") == 8)
        }
    }

    /// Between the lowest cursor and the new one nothing is lacked by anybody, but for what is owed.
    @Test func idsBelowTheStartAreARangeLessWhatIsOwed() async throws {
        let database = try await outbox(publishedThrough: 10)
        try await database.register(["a": 2])
        try await database.execute(
            """
            INSERT INTO outbox_sink (name, start) VALUES ('b', 'oldest');
            INSERT INTO outbox_late (sink, id) VALUES ('a', 5)
            """)
        try await database.withWork { work in
            _ = try await work.fixStarts(closedThrough: 10, firstScanIsOver: true)
            #expect(try await database.cursors() == ["a 2 earned", "b 10"])
            #expect(try await database.ranges() == ["3-4", "6-10"])
        }
    }
}
