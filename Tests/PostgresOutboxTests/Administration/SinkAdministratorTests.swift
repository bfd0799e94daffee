import Libpq
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// What a request about sinks writes, or is refused for.
@Suite struct SinkAdministratorTests {
    /// Rows 1 to 5, of which 1 and 2 are published.
    private func outbox(_ cursors: KeyValuePairs<String, Int64> = [:]) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.execute("UPDATE outbox SET published_at = now() WHERE id <= 2")
        try await database.register(cursors)
        return database
    }

    @discardableResult
    private func perform(_ request: SinkRequest, _ database: TestDatabase) async throws -> SinkRegistration? {
        try await database.withAdministrator { try await SinkAdministrator($0).perform(request) }
    }

    private func list(_ database: TestDatabase) async throws -> [SinkRegistration] {
        try await database.withAdministrator { try await SinkAdministrator($0).list() }
    }

    @Test(arguments: [
        (SinkPlace.oldest, SinkRegistration(name: "a", start: .oldest)),
        (.latest, SinkRegistration(name: "a", start: .latest)),
        (.beginning, SinkRegistration(name: "a")),
        // No cursor jumps over what is not published: from 2 on it passes what lies below its place.
        (.id(4), SinkRegistration(name: "a", cursor: 2, passThrough: 3)),
        (.id(2), SinkRegistration(name: "a", cursor: 1)),
        (.id(6), SinkRegistration(name: "a", cursor: 2, passThrough: 5)),
    ])
    func aSinkIsAdded(_ place: SinkPlace, _ expected: SinkRegistration) async throws {
        let database = try await outbox()
        try await perform(.add(name: "a", from: place), database)
        #expect(try await list(database) == [expected])
    }

    @Test func everyWriteBeginsAGeneration() async throws {
        let database = try await outbox(["a": 2])
        try await perform(.move(name: "a", to: .beginning), database)
        #expect(try await list(database).map(\.generation) == [2])
    }

    @Test(arguments: [
        (SinkRequest.add(name: "a", from: .oldest), "sink a is already registered"),
        (.add(name: "b", from: .id(7)), "no event has an id that high yet"),
        (.move(name: "b", to: .latest), "sink b is not registered"),
        (.remove(name: "b"), "sink b is not registered"),
        (.remove(name: "gone"), "sink gone is still being removed"),
        (.add(name: "gone", from: .oldest), "sink gone is still being removed"),
    ])
    func whatMakesNoSenseIsRefused(_ request: SinkRequest, _ problem: String) async throws {
        let database = try await outbox(["a": 2, "gone": 2])
        try await database.execute("UPDATE outbox_sink SET removing = true WHERE name = 'gone'")
        let before = try await list(database)
        let refusal = await #expect(throws: Refusal.self) { try await perform(request, database) }
        #expect(refusal?.problem == problem && refusal?.kind == .wrongRequest)
        #expect(try await list(database) == before)
    }

    /// What others are past and it is not any more becomes a range, less what is owed.
    @Test func aSinkThatIsMovedBackHasEarnedNothing() async throws {
        let database = try await outbox(["a": 5, "b": 5])
        try await database.execute("INSERT INTO outbox_late (sink, id) VALUES ('b', 4)")
        let moved = try await perform(.move(name: "a", to: .id(3)), database)
        #expect(moved?.cursor == 2)
        #expect(try await database.cursors() == ["a 2", "b 5 earned"])
        #expect(try await database.ranges() == ["3-3", "5-5"])
    }

    @Test func aSinkThatIsMovedForwardPassesWhatLiesBetween() async throws {
        let database = try await outbox(["a": 2])
        try await perform(.move(name: "a", to: .latest), database)
        #expect(
            try await list(database)
                == [SinkRegistration(name: "a", generation: 2, cursor: 2, isEarned: true, passThrough: 5)])
        #expect(try await database.ranges() == [])
    }

    @Test func rangesStayWhereASinkBeginsBelowThem() async throws {
        let database = try await outbox(["a": 2, "b": 8])
        try await database.execute("INSERT INTO outbox_absent (first_id, last_id) VALUES (3, 3), (6, 8)")
        try await perform(.add(name: "c", from: .beginning), database)
        #expect(try await database.ranges() == ["1-2", "3-3", "6-8"])
    }

    /// It passes what the others have before it goes: the leader sees to it.
    @Test func oneSinkOfSeveralIsMarkedAsRemoved() async throws {
        let database = try await outbox(["a": 5, "b": 2])
        let removing = try await perform(.remove(name: "b"), database)
        #expect(removing?.isRemoving == true)
        #expect(
            try await list(database).last
                == SinkRegistration(name: "b", generation: 3, cursor: 2, isRemoving: true))
    }

    @Test func theLastSinkGoesAtOnceWithAllButWhatIsParked() async throws {
        let database = try await outbox(["a": 5, "b": 2])
        try await database.execute(
            """
            UPDATE outbox_sink SET removing = true WHERE name = 'b';
            INSERT INTO outbox_late (sink, id) VALUES ('a', 1), ('b', 1);
            INSERT INTO outbox_absent (first_id, last_id) VALUES (3, 3);
            INSERT INTO outbox_sink_state (sink) VALUES ('a');
            INSERT INTO outbox_parked_request (sink, id) VALUES ('a', 3)
            """)
        try await database.park(1, for: "a")
        #expect(try await perform(.remove(name: "a"), database) == nil)
        for table in ["sink", "late", "absent", "sink_state", "parked_request"] {
            #expect(try await database.number("SELECT count(*) FROM outbox_\(table)") == 0, "\(table)")
        }
        #expect(try await database.parked() == ["1"])
    }

    /// A request is either seen by the leader's transaction or waits for its end.
    @Test func aRequestWaitsForASettlementThatIsOpen() async throws {
        let database = try await outbox(["a": 2])
        try await database.withAdministrator { session in
            try await database.withConnection { leader in
                try await leader.execute("BEGIN; LOCK TABLE outbox_sink IN ROW EXCLUSIVE MODE")
                async let moved = SinkAdministrator(session).perform(.move(name: "a", to: .beginning))
                try await eventually("the request waits") {
                    try await database.isTrue(
                        "SELECT cardinality(pg_blocking_pids(\(session.backendPID))) > 0")
                }
                try await leader.execute("UPDATE outbox_sink SET delivered_through = 5; COMMIT")
                let sink = try await moved
                #expect(sink?.cursor == 0)
            }
        }
        #expect(try await database.cursors() == ["a 0"])
    }
}
