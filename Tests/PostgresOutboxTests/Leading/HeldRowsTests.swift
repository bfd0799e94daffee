import Libpq
import RelayCore
import RelayTestKit
import Testing

@testable import PostgresOutbox

/// What a sink that nobody serves holds back.
@Suite struct HeldRowsTests {
    private func held(_ database: TestDatabase, by sink: String = "a") async throws -> HeldRows {
        let session = try await database.session()
        let held = try await HeldRowsQuery(session).run(of: sink)
        await session.close()
        return held
    }

    @Test func rowsAboveItsCursorAreCounted() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(100)
        try await database.register(["a": 40])
        let found = try await held(database)
        #expect(found.rows == 60 && !found.areMore)
        // As long as a row is at least, and no longer than ten of them.
        #expect(found.bytes > 60 * 64 && found.bytes < 60 * 640)
        try await database.execute("UPDATE outbox_sink SET pass_through = 90")
        #expect(try await held(database).rows == 10)
        try await database.execute("UPDATE outbox SET published_at = now() WHERE id > 95")
        #expect(try await held(database).rows == 5)
    }

    /// The size is that on the disk: no payload is unpacked for it.
    @Test func largePayloadsCountAsTheyAreStored() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER TABLE outbox_unpublished ALTER payload SET STORAGE EXTERNAL")
        try await database.insert(10, bytes: 100_000)
        try await database.register(["a": 0])
        #expect(try await held(database).bytes > 10 * 100_000)
    }

    @Test func manyPagesAreCounted() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(25_000)
        try await database.register(["a": 0])
        #expect(try await held(database).rows == 25_000)
    }

    @Test(arguments: [("start = 'oldest'", 3), ("start = 'latest'", 0), ("removing = true", 0), ("name = 'b'", 0)])
    func whoLacksNothingHoldsNothing(_ state: String, _ rows: Int) async throws {
        let database = try await PrivateCluster.shared().database()
        for id in [Int64.min, 0, 7] { try await database.insert(id: id) }
        try await database.register(["a": 0])
        try await database.execute("UPDATE outbox_sink SET \(state)")
        let found = try await held(database)
        #expect(found.rows == Int64(rows) && !found.areMore)
        #expect((found.bytes > 0) == (rows > 0))
    }
}
