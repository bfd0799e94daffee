import Libpq
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// What an administrator's request writes, on a real server, against what the deciding part says of it.
@Suite struct SinkAdministratorTests {
    private func session(_ database: TestDatabase) async throws -> Session {
        try await AdministrationConnector(try ConnectionTarget(parsing: database.conninfo)).connect()
    }

    private func absent(_ database: TestDatabase) async throws -> [IDRange] {
        try await database.query("SELECT first_id, last_id FROM outbox_absent ORDER BY 1").map { row in
            IDRange(row[0].flatMap(Int64.init) ?? 0, row[1].flatMap(Int64.init) ?? 0)
        }
    }

    /// Events 1 to 100, all published; `a` is at 100, `b` at 60.
    private func database() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(100)
        try await database.execute(
            """
            UPDATE outbox SET published_at = now();
            INSERT INTO outbox_sink (name, delivered_through, earned, start)
            VALUES ('a', 100, true, NULL), ('b', 60, true, NULL);
            INSERT INTO outbox_absent VALUES (63, 63), (70, 80), (99, 99);
            INSERT INTO outbox_late (sink, id) VALUES ('a', 33), ('b', 33), ('a', 90)
            """)
        return database
    }

    @Test(arguments: [
        SinkRequest.add(name: "c", from: .oldest), .add(name: "c", from: .beginning), .add(name: "c", from: .id(31)),
        .add(name: "c", from: .id(90)), .move(name: "a", to: .beginning), .move(name: "a", to: .id(76)),
        .move(name: "b", to: .beginning), .move(name: "b", to: .id(34)), .move(name: "b", to: .latest),
        .remove(name: "a"), .remove(name: "b"),
    ])
    func theRangesAreThoseThatWereDecided(_ request: SinkRequest) async throws {
        let database = try await database()
        let session = try await session(database)
        let administrator = SinkAdministrator(session)
        let before = try await administrator.list()
        let standing = IDRanges(try await absent(database))
        _ = try await administrator.perform(request)
        let change = RangesChange(from: before, to: try await administrator.list())
        let owed = try await database.numbers("SELECT DISTINCT id FROM outbox_late ORDER BY 1").filter { id in
            change.added.map { $0.low < id && id <= $0.high } ?? false
        }
        #expect(IDRanges(try await absent(database)) == change.applied(to: standing, owed: owed))
        await session.close()
    }

    /// Of a range that reaches below what any cursor is to have passed, the rest stays.
    @Test func rangesAreCutBelow() async throws {
        let database = try await database()
        try await database.execute("TRUNCATE outbox_absent; INSERT INTO outbox_absent VALUES (50, 95)")
        let session = try await session(database)
        _ = try await SinkAdministrator(session).perform(.move(name: "a", to: .id(81)))
        #expect(try await absent(database) == [IDRange(61, 95)])
        await session.close()
    }
}
