import Libpq
import RelayTestKit
import Testing

@testable import PostgresOutbox

/// What a relay reads every few seconds to show its outbox.
@Suite struct SightReadingTests {
    private func read(_ database: TestDatabase) async throws -> SightReading {
        try await database.withAdministrator { try await SightReading(reading: $0) }
    }

    @Test func whatIsThereIsRead() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20)
        try await database.execute(
            """
            INSERT INTO outbox_sink (name, delivered_through, start)
              VALUES ('hook', 5, NULL), ('stdout', 8, NULL), ('new', 0, 'oldest'), ('last', 0, 'latest'),
                ('passing', 0, NULL);
            UPDATE outbox_sink SET pass_through = 15 WHERE name = 'passing';
            INSERT INTO outbox_sink (name, removing) VALUES ('going', true);
            INSERT INTO outbox_sink_state (sink, configured) VALUES ('hook', true), ('stdout', false)
            """)
        let reading = try await read(database)
        #expect(reading.outbox == "public.outbox")
        #expect(reading.status.unpublished == 20)
        #expect(reading.status.sinks.first { $0.name == "hook" }?.lagEvents == 15)
        #expect(reading.heldByUnconfigured == ["stdout": 12, "new": 20, "passing": 5])
        #expect(reading.unreadableRows == 0)
    }

    /// Its cost follows from the limit, not from what is in the tables.
    @Test func countsStop() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(100_005)
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('stdout', NULL)")
        let reading = try await read(database)
        #expect(reading.status.unpublished == 100_000)
        #expect(reading.status.sinks.map(\.lagEvents) == [100_000])
        #expect(reading.heldByUnconfigured == ["stdout": 100_000])
        let whole = try await database.withAdministrator { try await RelayStatus(reading: $0) }
        #expect(whole.unpublished == 100_005 && whole.sinks.map(\.lagEvents) == [100_005])
    }

    /// As long as somebody leads: what a former leader recorded holds nothing any more.
    @Test func theRowThatTheLeaderNamedIsCounted() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            UPDATE outbox_leader
            SET order_hold = '{"pid":null,"application_name":"","above_id":3,"row_id":4,"unreadable":true,"reason":"no"}'
            """)
        #expect(try await read(database).unreadableRows == 0)
        let leader = try await database.session(.leader)
        _ = try await leader.connection.query("SELECT pg_advisory_lock(\(leader.schema.leaderKeySQL))")
        #expect(try await read(database).unreadableRows == 1)
        await leader.close()
    }

    @Test func whoeverHasTheTablesLockedIsNotWaitedFor() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('stdout', NULL)")
        let holder = try await database.connection()
        try await holder.execute("BEGIN; LOCK TABLE outbox_sink, outbox_unpublished IN ACCESS EXCLUSIVE MODE")
        let reading = try await read(database)
        #expect(reading.status.unpublished == nil && reading.heldByUnconfigured.isEmpty)
        try await holder.execute("ROLLBACK")
        #expect(try await read(database).heldByUnconfigured == ["stdout": 3])
        await holder.close()
    }
}
