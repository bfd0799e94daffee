import Libpq
import RelayTestKit
import Testing

@testable import PostgresOutbox
@testable import RelayCore

/// One row that cannot be settled is its own fault: the rows beside it go on.
@Suite struct RowFaultTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var trigger: String
        var body: String
        var row = "NEW"
        /// Words of what is told.
        var says: String

        var testDescription: String { "\(trigger): \(body)" }

        /// Refuses row 3, or every row.
        func sql(everyRow: Bool = false) -> String {
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(body); END $$;
            CREATE TRIGGER refusing \(trigger) FOR EACH ROW WHEN (\(everyRow ? "true" : "\(row).id = 3"))
              EXECUTE FUNCTION refuse()
            """
        }
    }

    static let raise = "RAISE EXCEPTION 'closed for today' USING ERRCODE = 'ZZ001'"

    static let moves = [
        Refusal(trigger: "BEFORE UPDATE ON outbox_unpublished", body: raise, says: "closed for today"),
        Refusal(trigger: "BEFORE INSERT ON outbox_published", body: raise, says: "closed for today"),
        Refusal(
            trigger: "BEFORE UPDATE ON outbox_unpublished", body: "RETURN NULL",
            says: "skips the row without an error"),
        Refusal(
            trigger: "BEFORE DELETE ON outbox_unpublished", body: "RETURN NULL", row: "OLD",
            says: "skips the row without an error"),
        Refusal(
            trigger: "BEFORE INSERT ON outbox_published", body: "RETURN NULL",
            says: "drops the row when it moves to the published partition"),
    ]

    private func outbox() async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.register(["a": 0, "b": 0])
        return database
    }

    /// Both sinks are done with these.
    private func lanes(_ ids: [Int64], owed: [Int64] = []) -> [LaneProgress] {
        [
            LaneProgress(sink: "a", generation: 1, done: ids, owedDone: owed),
            LaneProgress(sink: "b", generation: 2, done: ids, owedDone: owed),
        ]
    }

    /// It stays as delivered to all, and goes as soon as nothing keeps it any more.
    @Test(arguments: moves, [false, true]) func oneThatCannotBeMoved(_ refusal: Refusal, _ inClaim: Bool) async throws {
        let database = try await outbox()
        try await database.execute(refusal.sql())
        try await database.withWork { work in
            if inClaim { _ = try await work.claimed(5) }
            let state = try await work.settle(lanes(Array(1...5)), inClaim: inClaim)
            let told = try #require(state.unmoved.first)
            #expect(state.unmoved.count == 1 && told.id == 3 && told.work == .mark)
            #expect(told.reason.contains(refusal.says), "\(told.reason)")
            #expect(try await database.published() == [1, 2, 4, 5])
            #expect(try await database.cursors() == ["a 5 earned", "b 5 earned"])
            #expect(try await database.owed() == ["a 3 delivered", "b 3 delivered"])
            #expect(try await database.unlocked() == [3])
            let table = refusal.trigger.contains("outbox_published") ? "outbox_published" : "outbox_unpublished"
            try await database.execute("DROP TRIGGER refusing ON \(table)")
            _ = try await work.settle(lanes([], owed: [3]), inClaim: false)
            #expect(try await database.published() == [1, 2, 3, 4, 5])
            #expect(try await database.owed() == [])
        }
    }

    /// Where no row passes, the fault is the statement's, and nothing is written.
    @Test func whereAllAreRefusedNothingIsWritten() async throws {
        let database = try await outbox()
        try await database.execute(Self.moves[1].sql(everyRow: true))
        try await database.withWork { work async throws in
            let error = await #expect(throws: PostgresError.self) {
                _ = try await work.settle(lanes(Array(1...5)), inClaim: false)
            }
            #expect(error?.sqlState == "ZZ001")
            #expect(try await database.published() == [])
            #expect(try await database.cursors() == ["a 0", "b 0"])
            #expect(try await database.unlocked() == Array(1...5), "no transaction is left open")
        }
    }

    /// A row alone proves nothing about the statement.
    @Test func aRowAloneThatIsRefusedIsItsOwnFault() async throws {
        let database = try await outbox()
        try await database.execute("DELETE FROM outbox WHERE id <> 3")
        try await database.execute(Self.moves[1].sql())
        try await database.withWork { work async throws in
            #expect(try await work.settle(lanes([3]), inClaim: false).unmoved.map(\.id) == [3])
            #expect(try await database.cursors() == ["a 3 earned", "b 3 earned"])
        }
    }

    /// The lane blocks at an event that cannot be parked: no cursor passes it.
    @Test(arguments: [
        Refusal(trigger: "BEFORE INSERT ON outbox_parked", body: raise, says: "closed for today"),
        Refusal(
            trigger: "BEFORE INSERT ON outbox_parked", body: "RETURN NULL", says: "drops it without an error"),
    ])
    func oneThatCannotBeParked(_ refusal: Refusal) async throws {
        let database = try await outbox()
        try await database.execute(refusal.sql())
        try await database.withWork { work in
            var lanes = lanes(Array(1...5))
            lanes[0].parked = [Parking(id: 2, reason: "no"), Parking(id: 3, reason: "no")]
            let state = try await work.settle(lanes, inClaim: false)
            let told = try #require(state.unparked.first)
            #expect(state.unparked.count == 1 && told.sink == "a" && told.id == 3)
            #expect(told.reason.contains(refusal.says), "\(told.reason)")
            #expect(try await database.numbers("SELECT id FROM outbox_parked") == [2])
            #expect(try await database.cursors() == ["a 2 earned", "b 5 earned"])
            #expect(try await database.published() == [1, 2])
        }
    }
}
