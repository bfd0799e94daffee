import Libpq
import RelayTestKit
import Testing
import WebhookReceiver

/// One bad row of each kind among a thousand: the others are delivered and settled to all sinks, the bad one is named, and
/// once somebody has fixed or deleted it everything goes on by itself.
@Suite(.heavy) struct BadRowTests {
    /// What refuses to mark row 500 as published, and how it is taken away.
    private static let refusals: [(name: String, refuse: String, allow: String)] = [
        (
            "a trigger with a SQLSTATE of its own",
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              RAISE EXCEPTION 'closed for today' USING ERRCODE = 'ZZ001'; END $$;
            CREATE TRIGGER refusing BEFORE UPDATE ON outbox_unpublished FOR EACH ROW WHEN (OLD.id = 500)
              EXECUTE FUNCTION refuse()
            """, "DROP TRIGGER refusing ON outbox_unpublished"
        ),
        (
            "a trigger that skips it in silence",
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER refusing BEFORE UPDATE ON outbox_unpublished FOR EACH ROW WHEN (OLD.id = 500)
              EXECUTE FUNCTION refuse()
            """, "DROP TRIGGER refusing ON outbox_unpublished"
        ),
        (
            "a trigger that keeps it from being moved away",
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER refusing BEFORE DELETE ON outbox_unpublished FOR EACH ROW WHEN (OLD.id = 500)
              EXECUTE FUNCTION refuse()
            """, "DROP TRIGGER refusing ON outbox_unpublished"
        ),
        (
            "a trigger that drops it where it arrives",
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER refusing BEFORE INSERT ON outbox_published FOR EACH ROW WHEN (NEW.id = 500)
              EXECUTE FUNCTION refuse()
            """, "DROP TRIGGER refusing ON outbox_published"
        ),
        (
            "a check that was added later",
            "ALTER TABLE outbox_published ADD CONSTRAINT later CHECK (id <> 500) NOT VALID",
            "ALTER TABLE outbox_published DROP CONSTRAINT later"
        ),
    ]

    @Test(arguments: Mode.allCases, refusals.indices)
    func oneThatCannotBeMarked(_ mode: Mode, _ index: Int) async throws {
        let refusal = Self.refusals[index]
        let database = try await PrivateCluster.shared().database()
        try await database.execute(refusal.refuse)
        let folder = try SinkFolder()
        let relay = try await RelayProcess.leading(
            database, mode, ["--sink", "stdout", "--sink", "file:\(folder.path)/events.jsonl"])
        try await database.insert(1000)
        try await eventually("the others are settled: \(refusal.name)") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [500]
        }
        #expect(relay.output.ids == Array(1...1000))
        #expect(try folder.ids("events.jsonl") == Array(1...1000))
        try await relay.waitForLog("row_fault")
        #expect(
            relay.log.entries(of: "row_fault").allSatisfy { $0.fields["id"] == "500" && $0.fields["what"] == "mark" })
        try await database.insert(500)
        try await eventually("what comes later is settled") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [500]
        }
        try await database.execute(refusal.allow)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        #expect(relay.output.ids == Array(1...1500), "each came once")
    }

    /// What lies before an unreadable row is delivered, and what lies behind waits, to all sinks.
    @Test(arguments: Mode.allCases, [("SQL_ASCII", 0xFC, true), ("WIN1252", 0x81, false)])
    func oneThatCannotBeRead(_ mode: Mode, _ bad: (encoding: String, byte: Int, isDeleted: Bool)) async throws {
        let database = try await PrivateCluster.shared().database(encoding: bad.encoding)
        let relay = try await RelayProcess.leading(database, mode)
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 'transfer', CASE n WHEN 500 THEN chr(\(bad.byte)) ELSE 'a' END, 'transfer.posted', '{}'
            FROM generate_series(1, 1000) n
            """)
        try await eventually("what lies before it is settled: \(relay.output.ids.count)") {
            try await database.number("SELECT min(id) FROM outbox_unpublished") == 500
        }
        try await relay.waitForLog("row_fault")
        let told = try #require(relay.log.entries(of: "row_fault").first)
        #expect(told.fields["id"] == "500" && told.fields["what"] == "read")
        try await stays("nothing behind it leaves: \(relay.output.ids.count)", for: .milliseconds(500)) {
            relay.output.ids == Array(1...499)
        }
        #expect(relay.log.entries(of: "row_fault").count == 1, "it is told once")
        try await eventually("the status names it") {
            let (_, status) = try await RelayProcess.command(["status", "--database", database.conninfo])
            return status.output.strays.contains { $0.hasPrefix("order held: event 500 cannot be read (") }
        }
        #expect(try await database.sessions() < 6, "no session for each try")
        try await database.execute(
            bad.isDeleted ? "DELETE FROM outbox WHERE id = 500" : "UPDATE outbox SET aggregate_id = 'u' WHERE id = 500")
        try await database.becomesSettled()
        #expect(relay.output.ids == (1...1000).filter { !bad.isDeleted || $0 != 500 })
        #expect(try await relay.stop() == .exited(0))
    }

    /// A rejected event that cannot be parked blocks its own lane, and no other.
    @Test(arguments: [false, true]) func oneThatCannotBeParked(_ isSilent: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        let refusal = isSilent ? "RETURN NULL" : "RAISE EXCEPTION 'too large' USING ERRCODE = '54000'"
        try await database.execute(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \(refusal); END $$;
            CREATE TRIGGER refusing BEFORE INSERT ON outbox_parked FOR EACH ROW EXECUTE FUNCTION refuse()
            """)
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { request in
            request.text.contains(#""id":"3""#) ? ReceiverAnswer(422) : ReceiverAnswer()
        }
        let configuration = try folder.configuration(
            """
            sinks:
              - {name: audit, to: "file:FOLDER/audit.jsonl"}
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/hook", on_reject: park}
            """)
        let relay = try RelayProcess.run(database, configuration)
        try await relay.waitForLog("leading")
        try await database.insert(300)
        try await eventually("the file has all: \(relay.log.text)") { try folder.ids("audit.jsonl") == Array(1...300) }
        try await eventually("its cursor goes on") {
            try await database.number("SELECT delivered_through FROM outbox_sink WHERE name = 'audit'") == 300
        }
        try await relay.waitForLog("row_fault")
        #expect(relay.log.entries(of: "row_fault").first?.fields["id"] == "3")
        try await eventually("status tells of the sink") {
            try await database.value("SELECT state FROM outbox_sink_state WHERE sink = 'hook'") == "blocked"
        }
        try await database.execute("DROP TRIGGER refusing ON outbox_parked")
        try await database.becomesSettled()
        #expect(try await database.numbers("SELECT id FROM outbox_parked") == [3])
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }
}
