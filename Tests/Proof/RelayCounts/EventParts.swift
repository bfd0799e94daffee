import PostgresOutbox
import RelayCore

/// Transactions of one insert each, as pgoutput sends them: Begin, Insert, Commit.
func decodeTransactions(_ count: Int) throws -> Int {
    var decoder = PgoutputDecoder(namespace: "public", relation: "outbox_unpublished")
    let wal = bytes("w") + integer(UInt64(100)) + integer(UInt64(100)) + integer(Int64(7))
    let relation =
        wal + bytes("R") + integer(UInt32(16_400)) + bytes("public\0outbox_unpublished\0d") + integer(Int16(1))
        + [1] + bytes("id\0") + integer(UInt32(20)) + integer(Int32(-1))
    let transaction = [
        wal + bytes("B") + integer(UInt64(200)) + integer(Int64(8)) + integer(UInt32(771)),
        wal + bytes("I") + integer(UInt32(16_400)) + bytes("N") + integer(Int16(1)) + bytes("t")
            + integer(Int32(10)) + bytes("1234567890"),
        wal + bytes("C\0") + integer(UInt64(200)) + integer(UInt64(210)) + integer(Int64(8)),
    ]
    _ = try relation.withUnsafeBytes { try decoder.decode($0) }
    var inserted = 0
    for _ in 0..<count {
        for message in transaction {
            if case .inserted = try message.withUnsafeBytes({ try decoder.decode($0) }) { inserted += 1 }
        }
    }
    return inserted
}

/// Rows of about 360 bytes, as the table gives them, into batches of 500 CloudEvents.
func encodeRows(_ count: Int) throws -> Int {
    let texts = [
        "transfer", "9f1c2f6e-6f0e-4b8a-9a52-0d2f7f6a1b11", "transfer.posted",
        "{\"note\": \"\(String(repeating: "n", count: 200))\", \"amount\": \"125.00\", \"asset\": \"EUR\"}",
        "{\"correlation_id\": \"5a1e\"}", "2026-11-20 22:16:30.213327+00",
    ].map(bytes)
    let rows = texts.reduce([], +)
    return try rows.withUnsafeBytes { rows in
        var columns: [UnsafeRawBufferPointer] = []
        var next = 0
        for text in texts {
            columns.append(UnsafeRawBufferPointer(rebasing: rows[next..<(next + text.count)]))
            next += text.count
        }
        var builder = EventBatchBuilder(source: "ledger")
        var encoded = 0
        for id in 1...count {
            try builder.append(
                EventColumns(
                    id: Int64(id), aggregateType: columns[0], aggregateID: columns[1], eventType: columns[2],
                    payload: columns[3], headers: columns[4], createdAt: columns[5]),
                transaction: 771)
            if builder.count == 500 || id == count { encoded += builder.finish().count }
        }
        return encoded
    }
}

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func integer(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}
