import RelayTestKit
import Testing

@testable import PostgresOutbox

/// What an administrator is told of parked events, and may ask for.
@Suite struct ParkedEventsTests {
    /// Events 1 and 2 of key x, the second behind the first, and 3 of key y, parked for sink a.
    private func outbox() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.register(["a": 3])
        try await database.execute(
            """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
              reason, behind, parked_at)
            SELECT 'a', n, 't', CASE WHEN n < 3 THEN 'x' ELSE 'y' END, 't.made', '{}', '{}', now(), 'no',
              CASE n WHEN 2 THEN 1 END, '2026-01-02 03:04:05+00' FROM generate_series(1, 3) AS n
            """)
        return database
    }

    private func withParked<Value: Sendable>(
        _ database: TestDatabase, sink: String = "a", _ body: (ParkedEvents) async throws -> Value
    ) async throws -> Value {
        try await database.withAdministrator { try await body(ParkedEvents($0, sink: sink)) }
    }

    @Test func theyAreListedByPages() async throws {
        let database = try await outbox()
        try await withParked(database) { parked in
            let page = try await parked.page(after: 1)
            #expect(page.map(\.id) == [2, 3])
            #expect(
                page.first
                    == ParkedEvents.Entry(
                        id: 2, aggregateType: "t", aggregateID: "x", eventType: "t.made", reason: "no", behind: 1,
                        attempts: 1, parkedAt: "2026-01-02T03:04:05.000000Z"))
            #expect(try await parked.page(after: 3).isEmpty)
        }
        #expect(try await withParked(database, sink: "b") { try await $0.page(after: 0) }.isEmpty)
    }

    @Test(arguments: [
        (ParkedEvents.Action.retry, [2], "event 2 is parked behind event 1 of the same key"),
        (.retry, [1, 9], "event 9 is not parked for sink a"),
        (.discard, [9], "event 9 is not parked for sink a"),
    ])
    func whatMakesNoSenseIsRefused(_ action: ParkedEvents.Action, _ ids: [Int64], _ problem: String) async throws {
        let database = try await outbox()
        let refusal = await #expect(throws: Refusal.self) {
            try await withParked(database) { _ = try await $0.ask(action, ids) }
        }
        #expect(refusal?.problem == problem && refusal?.kind == .wrongRequest)
        #expect(try await database.parked() == ["1", "2", "3"])
    }

    /// What is asked for, of which events or of all, and what is written down then.
    static let requests: [(ParkedEvents.Action, [Int64]?, [String])] = [
        (.retry, [1, 2], ["1 retry", "2 retry", "3"]),
        (.retry, [3], ["1", "2", "3 retry"]),
        (.discard, [2], ["1", "2 discard", "3"]),
        (.retry, nil, ["1 retry", "2 retry", "3 retry"]),
        (.discard, nil, ["1 discard", "2 discard", "3 discard"]),
    ]

    @Test(arguments: requests)
    func whatIsAskedForIsWrittenDown(
        _ action: ParkedEvents.Action, _ ids: [Int64]?, _ then: [String]
    ) async throws {
        let database = try await outbox()
        let count = try await withParked(database) { try await $0.ask(action, ids).count }
        #expect(count == ids?.count ?? 3)
        #expect(try await database.parked() == then)
    }

    /// Nobody would deliver to a sink that is not registered.
    @Test func aSinkThatIsGoneIsNotTriedAgain() async throws {
        let database = try await outbox()
        try await database.execute("DELETE FROM outbox_sink")
        let refusal = await #expect(throws: Refusal.self) {
            try await withParked(database) { _ = try await $0.ask(.retry, nil) }
        }
        #expect(refusal?.problem.contains("sink a is not registered") == true)
        let discarded = try await withParked(database) { try await $0.ask(.discard, nil).count }
        #expect(discarded == 3)
    }

    @Test func howFarTheLeaderIsWithIt() async throws {
        let database = try await outbox()
        try await withParked(database) { parked in
            let request = try await parked.ask(.retry, nil)
            #expect(try await parked.progress(of: request).pending == 3)
            try await database.execute(
                """
                DELETE FROM outbox_parked WHERE id = 1;
                UPDATE outbox_parked SET requested = NULL, requested_at = NULL, attempts = 2 WHERE id = 3
                """)
            let half = try await parked.progress(of: request)
            #expect(half.pending == 1 && half.rejected.isEmpty)
            try await database.execute("DELETE FROM outbox_parked WHERE id = 2")
            let end = try await parked.progress(of: request)
            #expect(end.pending == 0)
            #expect(end.rejected.map(\.id) == [3] && end.rejected.first?.attempts == 2)
        }
    }
}
