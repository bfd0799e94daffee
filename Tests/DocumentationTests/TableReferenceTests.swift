import RelayTestKit
import Testing

/// `docs/reference/tables.md` and `docs/reference/event.md` against a database and what leaves it.
@Suite struct TableReferenceTests {
    @Test func everyTableIsThereWithItsColumns() async throws {
        let database = try await PrivateCluster.shared().database()
        let columns = try await database.query(
            """
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
            """)
        let there = Set(columns.map { "\($0[0] ?? "").\($0[1] ?? "")" })
        let rows = Markdown(try Repository.text("docs/reference/tables.md")).rows(under: "# Tables")
        let tables = rows.filter { $0[0].codes.first?.hasPrefix("outbox") == true }
        let documented = tables.flatMap { row in row[1].codes.map { "\(row[0].codes[0]).\($0)" } }
        #expect(documented.count == Set(documented).count)
        #expect(Set(documented) == there)
    }

    @Test func theEventIsAsItIsShown() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers)
            VALUES ('transfer', '9f1c2a', 'transfer.posted', '{"from": "alice", "to": "bob", "amount": 100}',
                    '{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "correlation_id": "req-7"}')
            """)
        let told = try await run(["outbox-relay", "tail", "--database", database.conninfo])
        let shown = try #require(Markdown(try Repository.text("docs/reference/event.md")).fences.first)
        #expect(ShownOutput(shown.text).matches(told.output), "\(told.output)\(told.errors)")
    }
}
