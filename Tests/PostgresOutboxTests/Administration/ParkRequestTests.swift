import RelayTestKit
import Testing

@testable import PostgresOutbox

/// What may be asked to be parked, and how far the leader is with it.
@Suite struct ParkRequestTests {
    /// Rows 1 to 5; sink a is past 2 and owed 1, c is to skip up to 4, and d is being removed.
    private func outbox() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.register(["a": 2, "c": 2, "d": 2])
        try await database.execute(
            """
            UPDATE outbox_sink SET pass_through = 4 WHERE name = 'c';
            UPDATE outbox_sink SET removing = true WHERE name = 'd';
            INSERT INTO outbox_late (sink, id) VALUES ('a', 1)
            """)
        return database
    }

    private func requests(_ database: TestDatabase) async throws -> [String] {
        try await database.lines(
            "SELECT sink || ' ' || id || coalesce(' by ' || taken_by, '') FROM outbox_parked_request ORDER BY sink, id")
    }

    @Test func aRequestIsWrittenDownAndAskedAgainTakenAnew() async throws {
        let database = try await outbox()
        try await database.withAdministrator { session in
            let aside = ParkRequests(session, sink: "a")
            try await aside.ask([1, 3])
            #expect(try await requests(database) == ["a 1", "a 3"])
            try await database.execute("UPDATE outbox_parked_request SET taken_by = 1")
            try await aside.ask([3])
            #expect(try await requests(database) == ["a 1 by 1", "a 3"])
        }
    }

    @Test(arguments: [
        ("a", [3, 2], "sink a already has event 2, or skipped it"),
        ("a", [3, 5], "event 5 is already parked for sink a"),
        ("a", [3, 9], "the outbox holds no event 9"), ("b", [3], "sink b is not registered"),
        ("c", [5, 4], "sink c skips event 4"), ("d", [3], "sink d is being removed, so nothing blocks it"),
    ])
    func whatMakesNoSenseIsRefused(_ sink: String, _ ids: [Int64], _ problem: String) async throws {
        let database = try await outbox()
        try await database.park(5, for: "a")
        try await database.withAdministrator { session async throws in
            let refusal = await #expect(throws: Refusal.self) {
                try await ParkRequests(session, sink: sink).ask(ids)
            }
            #expect(refusal?.problem == problem && refusal?.kind == .wrongRequest)
            #expect(try await requests(database) == [], "nothing of a request that is refused")
        }
    }

    @Test func howFarTheLeaderIsWithIt() async throws {
        let database = try await outbox()
        try await database.withAdministrator { session in
            let aside = ParkRequests(session, sink: "a")
            try await aside.ask([3, 4])
            #expect(try await aside.progress(of: [3, 4]) == ParkRequests.Progress(pending: 2, delivered: []))
            try await database.park(3, for: "a")
            try await database.execute("DELETE FROM outbox_parked_request")
            #expect(try await aside.progress(of: [3, 4]) == ParkRequests.Progress(pending: 0, delivered: [4]))
        }
    }
}
