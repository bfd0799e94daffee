import PostgresOutbox
import RelayCore
import RelayRuntime
import RelayTestKit
import SinkConformance
import Testing

/// `--order none` on a real server: one bad row among a thousand is its own fault. The others are delivered once and
/// marked, it is named, and goes on by itself once somebody has fixed it.
@Suite struct CompetingFaultTests {
    /// Something that keeps one row from being marked, and its end.
    struct Refusal: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var begin: String
        var end: String
        /// What the fault's words hold.
        var words: String

        static func trigger(_ name: String, _ when: String, on table: String, does body: String, _ words: String)
            -> Self
        {
            Refusal(
                testDescription: name,
                begin: """
                    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(body) END $$;
                    CREATE TRIGGER refusing \(when) ON \(table) FOR EACH ROW EXECUTE FUNCTION refuse();
                    """,
                end: "DROP TRIGGER refusing ON \(table)", words: words)
        }
    }

    static let refusals: [Refusal] = [
        .trigger(
            "a SQLSTATE of its own", "BEFORE UPDATE", on: "outbox_unpublished",
            does:
                "IF OLD.id = 500 THEN RAISE EXCEPTION 'row 500 is on hold' USING ERRCODE = 'ZZ001'; END IF; RETURN NEW;",
            "row 500 is on hold"),
        .trigger(
            "a code of the relay's statements", "BEFORE UPDATE", on: "outbox_unpublished",
            does: "IF OLD.id = 500 THEN RAISE EXCEPTION 'not now' USING ERRCODE = '55P03'; END IF; RETURN NEW;",
            "not now"),
        .trigger(
            "BEFORE UPDATE gives NULL", "BEFORE UPDATE", on: "outbox_unpublished",
            does: "IF OLD.id = 500 THEN RETURN NULL; END IF; RETURN NEW;", "skips the row"),
        .trigger(
            "BEFORE DELETE gives NULL", "BEFORE DELETE", on: "outbox_unpublished",
            does: "IF OLD.id = 500 THEN RETURN NULL; END IF; RETURN OLD;", "skips the row"),
        .trigger(
            "BEFORE INSERT gives NULL", "BEFORE INSERT", on: "outbox_published",
            does: "IF NEW.id = 500 THEN RETURN NULL; END IF; RETURN NEW;", "drops the row"),
        Refusal(
            testDescription: "a check that was added later",
            begin: "ALTER TABLE outbox ADD CONSTRAINT later CHECK (id <> 500) NOT VALID",
            end: "ALTER TABLE outbox DROP CONSTRAINT later", words: "later"),
    ]

    @Test(arguments: refusals) func aRowThatCannotBeMarked(_ refusal: Refusal) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(1000)
        try await database.execute(refusal.begin)
        let (sink, faults) = (MemorySink("a"), Faults())
        let relay = try CompetingRelay(on: database, sink, faults: faults)
        async let exit = relay.running()
        try await eventually("the others are published") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [500]
        }
        let last = try await database.insert(20)
        try await eventually("what comes later, too") {
            try await database.number("SELECT count(*) FROM outbox_published") == 1019
        }
        #expect(faults.all.map(\.id) == [500] && faults.all.allSatisfy { $0.work == .mark })
        #expect(faults.all.allSatisfy { $0.reason.contains(refusal.words) }, "\(faults.all)")
        try await database.execute(refusal.end)
        try await database.isPublished()
        #expect(sink.ids.sorted() == Array(1...last))
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == 1020)
        await relay.stop()
        #expect(await exit == .stopped)
    }

    /// All of them are refused: it is no row's fault, and still nothing is sent twice.
    @Test func aMarkThatFailsAsAWholeSendsNothingTwice() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(30)
        try await database.execute("ALTER TABLE outbox ADD CONSTRAINT closed CHECK (published_at IS NULL) NOT VALID")
        let sink = MemorySink("a")
        let relay = try CompetingRelay(on: database, sink)
        async let exit = relay.running()
        try await eventually("all are delivered") { sink.ids.count >= 30 }
        try await database.execute("ALTER TABLE outbox DROP CONSTRAINT closed")
        try await database.isPublished()
        #expect(sink.ids.sorted() == Array(1...30))
        await relay.stop()
        #expect(await exit == .stopped)
    }

    @Test(arguments: [("SQL_ASCII", 0xFC), ("WIN1252", 0x81)])
    func aRowThatCannotBeRead(_ encoding: String, _ byte: Int) async throws {
        let database = try await PrivateCluster.shared().database(encoding: encoding)
        try await database.insert(1000)
        try await database.execute(
            "UPDATE outbox SET aggregate_id = chr(\(byte)) WHERE id = 500")
        let (sink, faults) = (MemorySink("a"), Faults())
        let relay = try CompetingRelay(on: database, sink, faults: faults)
        async let exit = relay.running()
        try await eventually("the others are published") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [500]
        }
        #expect(sink.ids.sorted() == (1...1000).filter { $0 != 500 })
        #expect(faults.all.map(\.id) == [500] && faults.all.allSatisfy { $0.work == .read }, "\(faults.all)")
        try await database.execute("UPDATE outbox SET aggregate_id = 'u' WHERE id = 500")
        try await database.isPublished()
        #expect(sink.ids.sorted() == Array(1...1000))
        await relay.stop()
        #expect(await exit == .stopped)
    }

    @Test(arguments: [false, true]) func anEventThatCannotBeParked(_ isSilent: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(100)
        let refusal = isSilent ? "RETURN NULL" : "RAISE EXCEPTION 'too large' USING ERRCODE = '54000'"
        try await database.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(refusal); END $$;
            CREATE TRIGGER refusing BEFORE INSERT ON outbox_parked FOR EACH ROW EXECUTE FUNCTION refuse();
            """)
        let (sink, faults) = (MemorySink("a", .reject), Faults())
        let relay = try CompetingRelay(on: database, sink, onReject: .park, faults: faults)
        async let exit = relay.running()
        try await eventually("the others are published") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [13]
        }
        #expect(faults.all.map(\.id) == [13] && faults.all.allSatisfy { $0.work == .park })
        #expect(sink.ids.sorted() == (1...100).filter { $0 != 13 })
        try await database.execute("DROP TRIGGER refusing ON outbox_parked")
        try await database.isPublished()
        #expect(try await database.numbers("SELECT id FROM outbox_parked") == [13])
        await relay.stop()
        #expect(await exit == .stopped)
    }
}
