import Libpq
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// Which published rows a purge deletes, and which never.
@Suite struct PurgeTests {
    /// Rows from 1 on, all of them published eight days ago, and sinks that stand at these cursors.
    private func outbox(_ count: Int = 10, _ cursors: KeyValuePairs<String, Int64> = [:]) async throws -> TestDatabase {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(count)
        try await database.execute("UPDATE outbox SET published_at = now() - interval '8 days'")
        try await database.register(cursors)
        return database
    }

    /// Purges what is older than a week.
    private func purge(
        _ database: TestDatabase, user: String = "postgres", isDryRun: Bool = false, patience: Int = 1000
    ) async throws -> PurgeFindings {
        let session = try await database.session(user: user)
        do {
            var purge = try await Purge(
                session, olderThan: .seconds(7 * 86_400), isDryRun: isDryRun, patience: patience)
            while try await purge.nextPage() {}
            await session.close()
            return purge.findings
        } catch {
            await session.close()
            throw error
        }
    }

    /// The row at the lowest cursor is delivered to its sink; the one behind it is not.
    @Test func whatASlowSinkLacksStays() async throws {
        let database = try await outbox(10, ["a": 10, "slow": 5])
        let findings = try await purge(database)
        #expect(try await database.published() == [6, 7, 8, 9, 10])
        #expect(findings.count == 5 && findings.firstID == 1 && findings.lastID == 5)
        #expect(findings.end == .sink("slow", through: 5))
        try await database.execute("UPDATE outbox_sink SET delivered_through = 10")
        #expect(try await purge(database).end == .done)
        #expect(try await database.published() == [])
    }

    @Test func onlyPublishedRowsOfThatAgeGo() async throws {
        let database = try await outbox(10, ["a": 10])
        try await database.execute(
            """
            UPDATE outbox SET published_at = NULL WHERE id = 3;
            UPDATE outbox SET published_at = now() - interval '6 days' WHERE id IN (1, 6, 10)
            """)
        let findings = try await purge(database)
        #expect(findings.count == 6 && findings.end == .done)
        #expect(try await database.ids() == [1, 3, 6, 10])
    }

    @Test(arguments: [
        ("removing = true", PurgeEnd.sink("b", through: 4)),
        // It passes what lies between, and still walks over it.
        ("pass_through = 10", PurgeEnd.sink("b", through: 4)),
        ("start = 'oldest'", PurgeEnd.sink("b", through: nil)),
        // Whatever it is to begin with, it counts as lacking everything until that is fixed.
        ("start = 'latest'", PurgeEnd.sink("b", through: nil)),
    ])
    func everyRegisteredSinkCounts(_ state: String, _ end: PurgeEnd) async throws {
        let database = try await outbox(10, ["a": 10, "b": 4])
        try await database.execute("UPDATE outbox_sink SET \(state) WHERE name = 'b'")
        #expect(try await purge(database).end == end)
        let isFixed = end == .sink("b", through: 4)
        #expect(try await database.published() == (isFixed ? Array(5...10) : Array(1...10)))
    }

    @Test func withoutASinkAllOfThatAgeGoes() async throws {
        let database = try await outbox()
        #expect(try await purge(database).end == .done)
        #expect(try await database.ids() == [])
    }

    /// Also one that is known as delivered: the relay has not written it off yet. What is owed and not published, wherever
    /// it is, holds nothing.
    @Test(arguments: [false, true]) func aRowThatIsOwedStaysWithAllAbove(_ isDelivered: Bool) async throws {
        let database = try await outbox(10, ["a": 10])
        try await database.execute(
            """
            UPDATE outbox SET published_at = NULL WHERE id = 2;
            INSERT INTO outbox_late (sink, id, delivered) VALUES ('a', 2, false), ('a', 7, \(isDelivered))
            """)
        #expect(try await purge(database, isDryRun: true).count == 5)
        let findings = try await purge(database)
        #expect(findings.end == .row(KeptRow(id: 7, cause: .owed)))
        #expect(try await database.ids() == [2, 7, 8, 9, 10])
        try await database.execute("DELETE FROM outbox_late")
        #expect(try await purge(database).end == .done)
        #expect(try await database.ids() == [2])
    }

    /// A purge waits for no row: it would hold what an administrator and then the leader wait for.
    @Test func aRowThatIsLockedStaysWithAllAbove() async throws {
        let database = try await outbox(10, ["a": 10])
        let holder = try await database.connection()
        try await holder.execute("BEGIN; SELECT FROM outbox_published WHERE id = 4 FOR KEY SHARE")
        #expect(try await purge(database).end == .row(KeptRow(id: 4, cause: .locked)))
        #expect(try await database.published() == Array(4...10))
        try await holder.execute("COMMIT")
        await holder.close()
        #expect(try await purge(database).end == .done)
        #expect(try await database.published() == [])
    }

    /// By an error, or without one.
    @Test(arguments: ["RAISE EXCEPTION 'kept for the auditors'", "RETURN NULL"])
    func aRowThatTheServerRefusesIsFoundAndStaysWithAllAbove(_ refusal: String) async throws {
        let database = try await outbox(3000, ["a": 3000])
        try await database.execute(
            """
            CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF OLD.id = 1777 THEN \(refusal); END IF; RETURN OLD; END $$;
            CREATE TRIGGER keep BEFORE DELETE ON outbox_published FOR EACH ROW EXECUTE FUNCTION keep()
            """)
        let findings = try await purge(database)
        guard case .row(let row) = findings.end else {
            Issue.record("\(findings)")
            return
        }
        #expect(row.id == 1777)
        if refusal != "RETURN NULL" { #expect(row.cause == .refused("kept for the auditors")) }
        #expect(findings.count == 1776)
        #expect(try await database.published() == Array(1777...3000))
    }

    /// A cursor that is set back after the rows were looked at, and before they are deleted.
    @Test func aSinkThatIsMovedBackMeanwhileIsWaitedFor() async throws {
        let database = try await outbox(10, ["a": 10])
        let administrator = try await database.connection()
        try await administrator.execute("BEGIN; LOCK TABLE outbox_sink IN SHARE ROW EXCLUSIVE MODE")
        async let findings = purge(database)
        try await eventually("the purge waits") {
            try await database.isTrue(
                """
                SELECT EXISTS (SELECT FROM pg_stat_activity
                  WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)
                """)
        }
        try await administrator.execute("UPDATE outbox_sink SET delivered_through = 2; COMMIT")
        await administrator.close()
        let found = try await findings
        #expect(found.end == .sink("a", through: 2))
        #expect(try await database.published() == Array(3...10))
    }

    /// Marks that are undone, made anew or removed by hand between the look and the deletion.
    @Test func rowsThatAreChangedByHandMeanwhileAreSpared() async throws {
        let database = try await outbox(10, ["a": 10])
        let hand = try await database.connection()
        try await hand.execute("BEGIN; LOCK TABLE outbox_sink IN SHARE ROW EXCLUSIVE MODE")
        async let findings = purge(database)
        try await eventually("the purge waits") {
            try await database.isTrue(
                """
                SELECT EXISTS (SELECT FROM pg_stat_activity
                  WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)
                """)
        }
        try await hand.execute(
            """
            UPDATE outbox SET published_at = NULL WHERE id = 3; UPDATE outbox SET published_at = now() WHERE id = 5;
            DELETE FROM outbox WHERE id = 7; COMMIT
            """)
        await hand.close()
        let found = try await findings
        #expect(found.count == 7 && found.end == .done)
        #expect(try await database.ids() == [3, 5])
    }

    /// While a stop stands, what the table holds tells what was sent.
    @Test func nothingGoesAfterTheDatabaseWentBack() async throws {
        let database = try await outbox(10, ["a": 10])
        try await database.execute("UPDATE outbox_leader SET stopped_reason = 'the sequence is behind'")
        let refusal = await #expect(throws: Refusal.self) { _ = try await purge(database) }
        #expect(refusal?.check == "went_back" && refusal?.message.contains("outbox-relay resume") == true)
        #expect(try await database.published() == Array(1...10))
    }

    @Test func aDryRunCountsTheSameAndDeletesNothing() async throws {
        let database = try await outbox(2500, ["a": 2500, "slow": 2100])
        let counted = try await purge(database, isDryRun: true)
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == 2500)
        #expect(try await purge(database) == counted)
        #expect(counted.count == 2100 && counted.end == .sink("slow", through: 2100))
        #expect(try await database.published() == Array(2101...2500))
    }

    /// Rows that were published late lie below older ones: a purge goes on over some pages of them, and not for ever.
    @Test func youngRowsBelowOldOnesAreWalkedOver() async throws {
        let database = try await outbox(4000, ["a": 4000])
        try await database.execute("UPDATE outbox SET published_at = now() WHERE id <= 2500")
        #expect(try await purge(database, patience: 2).count == 0)
        #expect(try await purge(database, patience: 3).count == 1500)
        #expect(try await database.published() == Array(1...2500))
    }

    /// Every integer of 64 bits is an id.
    @Test func theLowestAndTheHighestIdGo() async throws {
        let database = try await outbox(0)
        for id in [Int64.min, -1, 0, 1, .max] { try await database.insert(id: id) }
        try await database.execute("UPDATE outbox SET published_at = now() - interval '8 days'")
        #expect(try await purge(database).count == 5)
        #expect(try await database.ids() == [])
    }

    @Test func whatTheRoleLacksIsNamed() async throws {
        let database = try await outbox(10, ["a": 10])
        let role = "relay_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role); REVOKE DELETE ON outbox_published FROM \(role)
            """)
        let refusal = await #expect(throws: Refusal.self) { _ = try await purge(database, user: role) }
        #expect(refusal?.kind == .denied)
        #expect(refusal?.remedy == "run GRANT DELETE ON public.outbox_published TO \(role) as its owner")
        #expect(try await purge(database, user: role, isDryRun: true).count == 10)
        try await database.execute("GRANT DELETE ON outbox_published TO \(role)")
        #expect(try await purge(database, user: role).count == 10)
    }

    /// Who shows how far a purge is knows about where it will end.
    @Test func theEndIsExpectedWhereRowsAreYounger() async throws {
        let database = try await outbox(1000, ["a": 1000])
        try await database.execute("UPDATE outbox SET published_at = now() WHERE id > 700")
        let span = try await database.withAdministrator { session in
            let purge = try await Purge(session, olderThan: .seconds(7 * 86_400))
            return try await purge.expectedSpan().map { [$0.first, $0.last] }
        }
        #expect(span == [1, 701])
    }

    /// Where everything was purged, cursors still say how high ids went.
    @Test func sinksAreMovedOnAnEmptyTable() async throws {
        let database = try await outbox(10, ["a": 10])
        _ = try await purge(database)
        _ = try await database.withAdministrator { session in
            try await SinkAdministrator(session).perform(.move(name: "a", to: .latest))
        }
        #expect(try await database.cursors() == ["a 10 earned"])
        _ = try await database.withAdministrator { session in
            try await SinkAdministrator(session).perform(.add(name: "b", from: .id(11)))
        }
        #expect(try await database.cursors() == ["a 10 earned", "b 10"])
    }
}
