import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// What a sweep finds, portion by portion, on a server.
@Suite struct SweepingTests {
    /// Lends a work session beside two registered sinks: "a" has everything up to 10,000, "b" up to 5,000.
    private func withSession(
        _ setUp: String, _ body: (TestDatabase, WorkSession) async throws -> Void
    ) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            INSERT INTO outbox_sink (name, delivered_through, earned, start)
            VALUES ('a', 10000, true, NULL), ('b', 5000, true, NULL);
            SELECT setval('outbox_id_seq', 20000);
            \(setUp)
            """)
        try await database.withWork { work in try await body(database, work) }
    }

    private static func rows(_ ids: String) -> String {
        """
        INSERT INTO outbox_unpublished (id, aggregate_type, aggregate_id, event_type, payload)
        SELECT n, 't', 'k', 't.made', '{}' FROM generate_series(\(ids)) AS n;
        """
    }

    private func sweep(_ work: WorkSession, above: Int64? = nil, owed: Bool = false) async throws -> SweptState {
        try await work.sweep(SweepRequest(tail: 10_000, above: above, owed: owed), known: KnownProgress())
    }

    @Test func aRowBelowTheLowestCursorIsOwedToEverySinkOnce() async throws {
        try await withSession(Self.rows("3, 3")) { _, work in
            let first = try await sweep(work)
            #expect(first.entered == [OwedEntry(sink: "a", id: 3), OwedEntry(sink: "b", id: 3)])
            #expect(first.owed?["a"]?.waiting == [3] && first.owed?["b"]?.waiting == [3])
            #expect(first.sweptThrough == nil)
            let second = try await sweep(work)
            #expect(second.entered.isEmpty)
            #expect(second.owed == nil, "nothing of it has changed")
            let asked = try await sweep(work, owed: true)
            #expect(asked.owed?["a"]?.waiting == [3])
        }
    }

    /// A thousand rows that are owed already are a portion, though nothing of it is told.
    @Test func whatIsOwedAlreadyIsPassedByPortions() async throws {
        let owed = "INSERT INTO outbox_late (sink, id) SELECT 'b', n FROM generate_series(1, 1500) AS n;"
        try await withSession(Self.rows("1, 1501") + owed) { _, work in
            let first = try await sweep(work)
            #expect(first.sweptThrough == 1000 && first.entered.isEmpty)
            let second = try await sweep(work, above: first.sweptThrough)
            #expect(second.sweptThrough == nil)
            #expect(second.entered == [OwedEntry(sink: "a", id: 1501), OwedEntry(sink: "b", id: 1501)])
        }
    }

    @Test func rangesArePassedByPortionsAndARowInOneIsOwedToWhoeverIsPastIt() async throws {
        let ranges = """
            INSERT INTO outbox_absent (first_id, last_id) SELECT n, n FROM generate_series(5001, 7399, 2) AS n;
            """
        try await withSession(Self.rows("7201, 7201") + ranges) { database, work in
            let first = try await sweep(work)
            #expect(first.sweptThrough == 6999 && first.entered.isEmpty)
            let second = try await sweep(work, above: first.sweptThrough)
            #expect(second.sweptThrough == nil)
            #expect(second.entered == [OwedEntry(sink: "a", id: 7201)])
            let left = try await database.query("SELECT count(*) FROM outbox_absent WHERE first_id = 7201")
            #expect(left == [["0"]])
        }
    }

    /// Ten rows of one range are a portion's share of it: what is left of the range begins the next.
    @Test func aRangeThatIsFullIsCut() async throws {
        let range = "INSERT INTO outbox_absent (first_id, last_id) VALUES (6000, 6100);"
        try await withSession(Self.rows("6001, 6012") + range) { _, work in
            let first = try await sweep(work)
            #expect(first.entered.map(\.id) == Array(6001...6010))
            #expect(first.sweptThrough == 6010)
            let second = try await sweep(work, above: first.sweptThrough)
            #expect(second.entered.map(\.id) == [6011, 6012])
        }
    }

    @Test func anEntryWhoseRowIsGoneIsForgottenAndTold() async throws {
        let owed = "INSERT INTO outbox_late (sink, id) VALUES ('a', 7), ('a', 8);"
        try await withSession(Self.rows("8, 8") + owed) { database, work in
            let swept = try await sweep(work)
            #expect(swept.owed?["a"]?.waiting == [8])
            let left = try await database.query("SELECT id FROM outbox_late")
            #expect(left == [["8"]])
        }
    }
}
