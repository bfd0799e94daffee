/// What a PostgreSQL 15 sent, byte for byte, for
///
///     INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers, created_at) VALUES
///       ('transfer', '9f"1c', 'transfer.posted', '{"amount": 12345678901234567890.10, "note": "é\n"}',
///        '{"correlation_id":"c-1","n":5}', '2026-11-20 22:16:30.2133+00')
enum Recording {
    /// The transaction's pgoutput messages: Begin, Relation, Insert, Commit.
    static let transaction: [[UInt8]] = [
        "420000000004d793b8000303c0f6f448840000135d",
        "520000441f7075626c6963006f7574626f785f756e7075626c6973686564006400080169640000000014ffffffff"
            + "006167677265676174655f747970650000000019ffffffff006167677265676174655f69640000000019ffffffff"
            + "006576656e745f747970650000000019ffffffff007061796c6f61640000000edaffffffff"
            + "00686561646572730000000edaffffffff00637265617465645f617400000004a0ffffffff"
            + "007075626c69736865645f617400000004a0ffffffff",
        "490000441f4e000874000000013174000000087472616e7366657274000000053966223163"
            + "740000000f7472616e736665722e706f73746564"
            + "74000000337b226e6f7465223a2022c3a95c6e222c2022616d6f756e74223a2031323334353637383930313233343536373839302e31307d"
            + "74000000217b226e223a20352c2022636f7272656c6174696f6e5f6964223a2022632d31227d"
            + "740000001b323032362d31312d32302032323a31363a33302e323133332b30306e",
        "43000000000004d793b80000000004d793e8000303c0f6f44884",
    ].map(bytes)

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal)
        return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
    }
}
