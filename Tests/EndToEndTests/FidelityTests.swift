import Foundation
import Libpq
import RelayTestKit
import Testing

/// What is in the table is what leaves, byte for byte. PostgreSQL itself judges that each line is JSON.
@Suite(.heavy) struct FidelityTests {
    private static let payloads = [
        "{}", "[]", "null", "true", "0", "-0.0", "\"\"", #""text with \"quotes\", \\ and \u0001\n""#,
        "12345678901234567890123456789012345678901234567890.000000000000000000000000000001", "1e400", "-1.5e-300",
        #"{"amount": 0.1, "balance": 9007199254740993, "nested": {"a": [1, [2, [3, {}]]]}}"#,
        #"{"ключ": "значение", "emoji": "👩‍👩‍👧‍👦", "surrogates": "\ud83d\ude00", "right to left": "\u202eabc"}"#,
        #"{"data": {"data": 1}, "\",\"data\":": "\",\"data\":"}"#, #"{"": "", " ": null}"#,
        String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000),
        "\"" + String(repeating: "x", count: 3_000_000) + "\"",
    ]

    private static let aggregates = [
        "", " ", "9f1c", "it's", #"quo"te"#, #"back\slash"#, "line\nend", "tab\there", "\u{1}\u{1f}\u{7f}", "日本語",
        "a,b;c=d",
        "\u{2028}", String(repeating: "k", count: 10_000),
    ]

    private static let headers = [
        "{}", #"{"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#,
        #"{"correlation_id": "c \"quoted\" \\ \n \u0001 é 😀"}"#,
        #"{"n": 1.50, "b": true, "z": null, "o": {"a": [1, "x\"y"]}, "l": []}"#,
    ]

    @Test(arguments: Mode.allCases) func everyShape(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await database.withConnection { connection in
            for (index, payload) in Self.payloads.enumerated() {
                try await connection.query(
                    """
                    INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers)
                    VALUES ('t "y" p\\e', $1, 'e.' || $2, $3::jsonb, $4::jsonb)
                    """,
                    [
                        .text(Self.aggregates[index % Self.aggregates.count]), .int(Int64(index)), .text(payload),
                        .text(Self.headers[index % Self.headers.count]),
                    ])
            }
        }
        try await relay.waitForEvents(Self.payloads.count)
        try await database.becomesSettled()
        try await relay.stop()
        try await expectComplete(database, [relay])
        try await database.withConnection { connection in
            for delivery in relay.output.deliveries { try await expectFaithful(delivery, connection) }
        }
    }

    /// Characters of several bytes, cut wherever a piece ends; as a claim brings them, and as a late row is read.
    @Test(arguments: Mode.allCases) func payloadsThatAreReadInPieces(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let late = try await database.number("SELECT nextval('outbox_id_seq')")
        func insert(_ values: String, id: Int64? = nil) async throws {
            try await database.execute(
                """
                INSERT INTO outbox (\(id == nil ? "" : "id, ")aggregate_type, aggregate_id, event_type, payload)
                OVERRIDING SYSTEM VALUE SELECT \(id.map { "\($0), " } ?? "")'t', 'a', 't.x', jsonb_build_object('n', n, 't',
                  repeat((SELECT string_agg(md5(n::text || m) || 'é日👩', '') FROM generate_series(1, 2500) AS m), size))
                FROM (VALUES \(values)) AS v (n, size)
                """)
        }
        try await insert("(1, 1), (2, 100), (3, 1), (4, 90), (5, 120), (6, 1)")
        let relay = try RelayProcess.run(database, ["--mode", mode.rawValue])
        try await relay.waitForEvents(6)
        try await database.becomesSettled()
        try await insert("(7, 110)", id: late)
        try await relay.waitForEvent(id: late)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay], late: [late])
        try await database.withConnection { connection in
            for delivery in relay.output.deliveries { try await expectFaithful(delivery, connection) }
        }
    }

    private func expectFaithful(_ delivery: Arrival, _ connection: Connection) async throws {
        let payload = try await connection.query("SELECT payload::text FROM outbox WHERE id = $1", [.int(delivery.id)])
        let data = EventLine.data(of: delivery.line).map { String(decoding: $0, as: UTF8.self) }
        // Compared first: an expectation would print both in full.
        let isSame = data == payload.string(0, 0)
        #expect(isSame, "payload of event \(delivery.id)")
        let judged = try await connection.query(
            """
            SELECT e ->> 'subject' IS NOT DISTINCT FROM nullif(aggregate_id, '')
               AND e ->> 'partitionkey' IS NOT DISTINCT FROM nullif(aggregate_id, '')
               AND e ->> 'aggregatetype' = aggregate_type AND e ->> 'type' = event_type
               AND e ->> 'sequence' = lpad(id::text, 20, '0') AND (e ->> 'time')::timestamptz = created_at
               AND e ->> 'correlationid' IS NOT DISTINCT FROM headers ->> 'correlation_id'
               AND e ->> 'traceparent' IS NOT DISTINCT FROM headers ->> 'traceparent'
               AND (SELECT count(*) = count(DISTINCT k) FROM json_object_keys(e) k)
            FROM outbox, (SELECT $2::json) AS parsed (e) WHERE id = $1
            """, [.int(delivery.id), .text(delivery.text)])
        #expect(judged.bool(0, 0) == true, "\(delivery.text.prefix(400))")
    }

    @Test(arguments: Mode.allCases) func theWholeLine(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers, created_at) VALUES
            ('transfer', '9f1c', 'transfer.posted', '{"b": 1.10, "a": [null]}',
             '{"Z-last": 2.50, "trace-parent": "00-é", "data": "no", "Id": "no", "_": "no", "a_1": "second", "a-1": "first"}',
             '2026-11-20 23:16:30.2+01'),
            ('transfer', '', 'transfer.posted', '1', '{}', '10000-01-01 00:00:00+00')
            """)
        let relay = try await RelayProcess.drained(database, mode, ["--source", "/ledger"])
        #expect(
            relay.output.deliveries.map(\.text) == [
                #"{"specversion":"1.0","id":"1","source":"/ledger","type":"transfer.posted","subject":"9f1c","#
                    + #""time":"2026-11-20T22:16:30.200000Z","datacontenttype":"application/json","partitionkey":"9f1c","#
                    + #""sequence":"00000000000000000001","aggregatetype":"transfer","a1":"first","traceparent":"00-é","#
                    + #""zlast":"2.50","data":{"a": [null], "b": 1.10}}"#,
                #"{"specversion":"1.0","id":"2","source":"/ledger","type":"transfer.posted","#
                    + #""datacontenttype":"application/json","sequence":"00000000000000000002","aggregatetype":"transfer","#
                    + #""data":1}"#,
            ])
    }
}
