import Libpq
import RelayTestKit
import Testing

/// Rows that change, in their own transaction and in others: what leaves is what was committed, in both modes, and no row
/// that is gone holds anybody up. Nothing here rolls back: ids run without a single gap.
@Suite(.heavy) struct ChangedRowTests {
    private static let insert = """
        INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'k', 'draft', '{"v": 1}')
        """

    @Test(arguments: Mode.allCases) func itsOwnTransactionUpdatesIt(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        for _ in 0..<20 {
            try await database.execute(
                "BEGIN; \(Self.insert); UPDATE outbox SET event_type = 'final', payload = '{\"v\": 2}'; COMMIT")
            try await database.becomesSettled()
        }
        try await relay.waitForEvents(20)
        #expect(
            relay.output.deliveries.allSatisfy {
                $0.text.contains(#""type":"final""#) && $0.text.contains(#"{"v": 2}"#)
            })
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }

    @Test(arguments: Mode.allCases) func aTriggerAddsAHeader(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            CREATE FUNCTION correlate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              UPDATE outbox SET headers = headers || '{"correlation_id": "c-1"}' WHERE id = NEW.id; RETURN NULL; END $$;
            CREATE TRIGGER correlate AFTER INSERT ON outbox_unpublished FOR EACH ROW
              WHEN (NEW.headers = '{}') EXECUTE FUNCTION correlate()
            """)
        let relay = try await RelayProcess.leading(database, mode)
        let last = try await database.insert(50)
        try await relay.waitForEvent(id: last)
        #expect(relay.output.deliveries.allSatisfy { $0.text.contains(#""correlationid":"c-1""#) })
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
    }

    /// Debezium's recommended way: the row is deleted in the transaction that inserted it, and never leaves.
    @Test(arguments: Mode.allCases) func itsOwnTransactionDeletesIt(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.execute("BEGIN; \(Self.insert); DELETE FROM outbox WHERE event_type = 'draft'; COMMIT")
        let last = try await database.insert(1500)
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        #expect(relay.output.ids == Array(2...1501))
        #expect(try await relay.stop() == .exited(0))
    }

    /// A clean-up job takes delivered and undelivered rows alike, many times a second, beside producers without a gap.
    @Test(arguments: Mode.allCases) func aJobCleansUp(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode, ["--window", "50"])
        let cleanUp = Task {
            try await database.withConnection { connection in
                while !Task.isCancelled {
                    try await connection.execute(
                        "DELETE FROM outbox WHERE created_at < clock_timestamp() - interval '5 ms'")
                }
            }
        }
        for _ in 0..<150 { try await database.insert(10) }
        cleanUp.cancel()
        _ = await cleanUp.result
        let last = try await database.insert(200)
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        #expect(Array(relay.output.ids.suffix(200)) == Array(last - 199...last))
        #expect(Set(relay.output.ids).count == relay.output.ids.count, "none came twice")
        #expect(relay.output.ids == relay.output.ids.sorted())
        #expect(try await relay.stop() == .exited(0))
        #expect(relay.log.entries(of: "went_back").isEmpty)
    }

    /// What waits for a slow sink is taken away under it.
    @Test(arguments: Mode.allCases) func theLeafIsTruncatedUnderASlowSink(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        // All of it is delivered and unsettled, or waits.
        try await database.whileNothingSettles { holder in
            let last = try await database.insert(300)
            try await relay.waitForEvent(id: last)
            try await holder.execute("TRUNCATE outbox_unpublished")
        }
        let next = try await database.insert(2000)
        try await relay.waitForEvent(id: next)
        try await database.becomesSettled()
        #expect(relay.output.ids == Array(1...next))
        try await relay.waitForLog("row_gone")
        let told = try #require(relay.log.entries(of: "row_gone").first)
        let count = try #require(told.fields["count"].flatMap(Int.init))
        #expect(told.fields["first_id"] == "1" && (1...300).contains(count), "\(told.text)")
        #expect(try await relay.stop() == .exited(0))
    }

    /// An owed row that somebody deletes is owed no more, though its sink is down and nobody reads it.
    @Test(arguments: Mode.allCases) func anOwedRowIsDeleted(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("SELECT nextval('outbox_id_seq')")
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        _ = try await relay.stop()
        // A sink that nobody serves is owed the late row for ever.
        try await database.execute(
            """
            INSERT INTO outbox_sink (name, delivered_through, start) SELECT 'down', delivered_through, NULL FROM outbox_sink;
            INSERT INTO outbox_late (sink, id) VALUES ('down', 1)
            """)
        let again = try await RelayProcess.leading(database, mode)
        try await eventually("the entry goes") { try await database.number("SELECT count(*) FROM outbox_late") == 0 }
        #expect(try await again.stop() == .exited(0))
    }

    /// A mark that an operator takes back: the event comes once more.
    @Test(arguments: Mode.allCases) func aMarkIsUndone(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(20))
        try await database.becomesSettled()
        try await database.execute("UPDATE outbox SET published_at = NULL WHERE id = 7")
        try await relay.waitForEvents(21)
        try await database.becomesSettled()
        #expect(relay.output.ids == Array(1...20) + [7])
        #expect(try await relay.stop() == .exited(0))
    }

    /// Every 64-bit integer is an id.
    @Test(arguments: Mode.allCases) func theEndsOfTheIntegers(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode, ["--window", "5"])
        try await relay.waitForEvent(id: try await database.insert(3))
        try await database.execute("SELECT setval('outbox_id_seq', \(Int64.max))")
        let ids: [Int64] = [.max, .max - 1, 0, -1, -5, .min + 1, .min]
        for id in ids { try await database.insert(id: id) }
        try await eventually("all are delivered: \(relay.output.ids)") { Set(relay.output.ids).isSuperset(of: ids) }
        try await database.becomesSettled()
        #expect(relay.output.ids.count == 3 + ids.count)
        #expect(try await relay.stop() == .exited(0))
        // And nothing of it comes again with the next leader.
        let again = try await RelayProcess.drained(database, mode)
        #expect(again.output.ids.isEmpty)
    }
}
