import Libpq
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// What a relay that competes does to rows, on a server.
@Suite struct CompetingSessionTests {
    private func withSession(
        _ body: (TestDatabase, any CompetingTenure) async throws -> Void
    ) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            "INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'k', 't.made', '{}')")
        let settings = PostgresSettings(
            target: try ConnectionTarget(parsing: database.conninfo()), source: "/outbox",
            leaderTimeout: .seconds(10), configuredSinks: ["a"], memory: 1 << 20, maxSlotWAL: 1 << 20, host: "test",
            untilDrained: false,
            reachWithin: nil)
        let session = try await PostgresCompetition(settings, claimTimeout: .seconds(20)).open { _ in }
        do {
            try await body(database, session)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }

    /// The only row, as the claim saw it; the claim is marked.
    private func markedRow(_ session: any CompetingTenure) async throws -> UnmarkedRow {
        let batch = try #require(try await session.claim(rows: 10, bytes: 1 << 20, without: []).rows.batch)
        let (id, mark) = (try #require(batch.ids.first), try #require(batch.marks.first))
        #expect(try await session.mark([id], parked: [], sink: "a").isEmpty)
        return UnmarkedRow(id: id, mark: mark)
    }

    @Test func aRowWhoseMarkWasUndoneIsNotMarkedAgain() async throws {
        try await withSession { database, session in
            let row = try await markedRow(session)
            #expect(row.mark.transaction > 0)
            try await database.execute("UPDATE outbox SET published_at = NULL")
            #expect(try await session.remark([row]).locked.isEmpty)
            #expect(try await database.query("SELECT published_at IS NULL FROM outbox") == [["t"]])
        }
    }

    @Test func aRowThatIsAsItWasDeliveredIsMarked() async throws {
        try await withSession { database, session in
            let batch = try #require(try await session.claim(rows: 10, bytes: 1 << 20, without: []).rows.batch)
            let mark = try #require(batch.marks.first)
            let row = UnmarkedRow(id: batch.ids[0], mark: mark)
            // Nothing is marked: the claim is let go of.
            #expect(try await session.mark([], parked: [], sink: "a").isEmpty)
            #expect(try await session.remark([row]).locked.isEmpty)
            #expect(try await database.query("SELECT published_at IS NULL FROM outbox") == [["f"]])
        }
    }
}
