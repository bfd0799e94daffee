import Libpq
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// What one settlement writes: cursors, rows, ranges, and what is owed.
@Suite struct SettlingTests {
    /// An outbox of rows 1, 2, … beside sinks that stand at these cursors.
    private func outbox(_ rows: Int, _ cursors: KeyValuePairs<String, Int64>) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(rows)
        try await database.register(cursors)
        return database
    }

    private func done(_ sink: String, _ generation: Int64, _ ids: [Int64]) -> LaneProgress {
        LaneProgress(sink: sink, generation: generation, done: ids)
    }

    @Test(arguments: [false, true]) func whatTheOnlySinkHasIsPublished(_ inClaim: Bool) async throws {
        let database = try await outbox(5, ["a": 0])
        try await database.withWork { work in
            if inClaim { #expect(try await work.claimed(4) == [1, 2, 3, 4]) }
            let state = try await work.settle([done("a", 1, [1, 2, 3])], inClaim: inClaim)
            #expect(state.sinks == [SinkRegistration(name: "a", generation: 1, cursor: 3, isEarned: true)])
            #expect(try await database.published() == [1, 2, 3])
            #expect(try await database.cursors() == ["a 3 earned"])
            #expect(try await database.unlocked() == [4, 5], "the transaction is over, and the claim with it")
        }
    }

    /// A rule that writes more than it is asked for may not be part of a larger statement: rows move in one of their own.
    @Test func aRuleThatWritesMoreHoldsNothingUp() async throws {
        let database = try await outbox(6, ["a": 0])
        try await database.execute(
            """
            CREATE TABLE moves (id bigint);
            CREATE RULE note AS ON UPDATE TO outbox DO ALSO INSERT INTO moves VALUES (OLD.id)
            """)
        try await database.withWork { work in
            for last in [Int64(2), 4, 6] {
                let state = try await work.settle([done("a", 1, [last - 1, last])], inClaim: false)
                #expect(state.unmoved.isEmpty)
                #expect(try await database.published() == Array(1...last))
            }
        }
    }

    @Test func aRowThatAnotherSinkLacksStays() async throws {
        let database = try await outbox(5, ["a": 0, "b": 0])
        try await database.withWork { work in
            _ = try await work.settle([done("a", 1, Array(1...5)), done("b", 2, [1, 2])], inClaim: false)
            #expect(try await database.published() == [1, 2])
            #expect(try await database.cursors() == ["a 5 earned", "b 2 earned"])
        }
    }

    /// An administrator has written the sink meanwhile.
    @Test func answersToAnEarlierGenerationCountForNothing() async throws {
        let database = try await outbox(3, ["a": 0])
        try await database.execute("UPDATE outbox_sink SET generation = 2")
        try await database.withWork { work in
            let state = try await work.settle([done("a", 1, [1, 2, 3])], inClaim: false)
            #expect(state.sinks.map(\.generation) == [2])
            #expect(try await database.cursors() == ["a 0"])
            #expect(try await database.published() == [])
        }
    }

    @Test func idsThatOneSinkIsPastAndAnotherIsNotAreARange() async throws {
        let database = try await outbox(5, ["a": 0, "b": 0])
        try await database.execute("DELETE FROM outbox WHERE id IN (3, 4)")
        try await database.withWork { work in
            _ = try await work.settle([done("a", 1, [1, 2, 5])], inClaim: false)
            #expect(try await database.ranges() == ["3-4"])
            #expect(try await database.published() == [])
            _ = try await work.settle([done("b", 2, [1, 2, 5])], inClaim: false)
            #expect(try await database.ranges() == [])
            #expect(try await database.published() == [1, 2, 5])
        }
    }

    /// A lane saw nothing under an id, and there is a row now: it is owed until it is brought out of turn.
    @Test func aRowThatTurnedUpBelowTheNewCursorIsOwed() async throws {
        let database = try await outbox(5, ["a": 0, "b": 0])
        try await database.execute("DELETE FROM outbox WHERE id = 4")
        try await database.withWork { work in
            let passed = try await work.settle([done("a", 1, [1, 2, 5])], inClaim: false)
            #expect(passed.entered == [OwedEntry(sink: "a", id: 3)])
            #expect(try await database.owed() == ["a 3"])
            #expect(try await database.ranges() == ["4-4"])
            _ = try await work.settle([done("b", 2, [1, 2, 3, 5])], inClaim: false)
            #expect(try await database.published() == [1, 2, 5])
            let brought = try await work.settle(
                [LaneProgress(sink: "a", generation: 1, done: [], owedDone: [3])], inClaim: false)
            #expect(brought.removed == [OwedEntry(sink: "a", id: 3)])
            #expect(try await database.owed() == [])
            #expect(try await database.published() == [1, 2, 3, 5])
        }
    }

    /// What lies in a range is lacked by those that are past it.
    @Test func aRowInARangeIsOwedToWhoeverIsPastIt() async throws {
        let database = try await outbox(5, ["a": 5, "b": 0])
        try await database.execute("INSERT INTO outbox_absent (first_id, last_id) VALUES (3, 4)")
        try await database.execute("DELETE FROM outbox WHERE id = 4")
        try await database.withWork { work in
            _ = try await work.settle([done("b", 2, [1, 2, 3])], inClaim: false)
            #expect(try await database.owed() == ["a 3"])
            #expect(try await database.ranges() == ["4-4"])
            #expect(try await database.published() == [1, 2])
        }
    }

    @Test func aRowThatWasDeletedIsToldAsGone() async throws {
        let database = try await outbox(4, ["a": 0])
        try await database.withWork { work in
            try await database.execute("DELETE FROM outbox WHERE id IN (2, 4)")
            let state = try await work.settle([done("a", 1, [1, 2, 3])], inClaim: false)
            #expect(state.gone == [2])
            #expect(try await database.published() == [1, 3])
            #expect(try await database.cursors() == ["a 3 earned"])
        }
    }

    /// Rows that are gone while the sequence stands below them, or is another one, will come a second time.
    @Test(arguments: [
        ("DELETE FROM outbox WHERE id > 1; SELECT setval('outbox_id_seq', 2)", 3),
        ("TRUNCATE outbox RESTART IDENTITY; SELECT setval('outbox_id_seq', 1000)", 1),
    ])
    func whereTheDatabaseWentBackNothingIsWritten(_ accident: String, _ lowest: Int64) async throws {
        let database = try await outbox(4, ["a": 0])
        try await database.withWork { work in
            try await database.execute(accident)
            await #expect(throws: TimeTravel.rowChanged(id: lowest)) {
                _ = try await work.settle([done("a", 1, [1, 2, 3])], inClaim: false)
            }
            #expect(try await database.cursors() == ["a 0"])
            #expect(try await database.published() == [])
        }
    }

    @Test func theCursorStopsBelowARowThatSomebodyHasLocked() async throws {
        let database = try await outbox(4, ["a": 0])
        try await database.withWork { work in
            try await database.withConnection { other in
                try await other.execute("BEGIN; SELECT FROM outbox_unpublished WHERE id = 3 FOR UPDATE")
                let state = try await work.settle([done("a", 1, [1, 2, 3, 4])], inClaim: false)
                #expect(state.lockedRow == 3)
                #expect(try await database.cursors() == ["a 2 earned"])
                #expect(try await database.published() == [1, 2])
            }
        }
    }

    @Test func aSinkThatHasPassedWhatItWasToPassHasEarnedNothing() async throws {
        let database = try await outbox(3, ["a": 3, "b": 0])
        try await database.execute("UPDATE outbox_sink SET pass_through = 3 WHERE name = 'b'")
        try await database.withWork { work in
            let passed = LaneProgress(sink: "b", generation: 2, done: [1, 2, 3], endsPassed: true)
            let state = try await work.settle([passed], inClaim: false)
            #expect(state.sinks.last == SinkRegistration(name: "b", generation: 2, cursor: 3))
            #expect(try await database.cursors() == ["a 3 earned", "b 3"])
            #expect(try await database.isTrue("SELECT bool_and(pass_through IS NULL) FROM outbox_sink"))
            #expect(try await database.published() == [1, 2, 3])
        }
    }
}
