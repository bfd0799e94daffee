import RelayCore

/// Rows as the events that leave, by the relay's own encoding.
enum EventEncoding {
    /// 2026-01-01 00:00 UTC: when simulations begin, in microseconds since the Unix epoch.
    static let beginning: Int64 = 1_767_225_600_000_000

    private static let typePrefix = "transfer.v"

    static func key(_ number: Int) -> String { "key \(number)" }

    /// The version of the row that an event was made of; -1 if it does not say.
    static func version(of batch: EventBatch, at index: Int) -> Int {
        batch.withEventType(index) { bytes in
            Int(String(decoding: bytes, as: UTF8.self).dropFirst(typePrefix.count)) ?? -1
        }
    }

    static func batch(_ rows: [Row]) throws -> EventBatch {
        var builder = EventBatchBuilder(source: "/outbox")
        for row in rows { try append(row, to: &builder) }
        return builder.finish()
    }

    private static func append(_ row: Row, to builder: inout EventBatchBuilder) throws {
        let payload = "{\"bytes\":\"" + String(repeating: "x", count: row.size) + "\"}"
        var texts = ["transfer", key(row.key), typePrefix + "\(row.version)", payload, "{}", text(of: row.createdAt)]
            .map {
                Array($0.utf8)
            }
        var encoded: Result<Void, EventEncodingError> = .success(())
        withBytes(of: &texts) { parts in
            encoded = Result { () throws(EventEncodingError) in
                try builder.append(
                    EventColumns(
                        id: row.id, aggregateType: parts[0], aggregateID: parts[1], eventType: parts[2],
                        payload: parts[3], headers: parts[4], createdAt: parts[5]), transaction: row.transaction)
            }
        }
        try encoded.get()
    }

    private static func withBytes(
        of texts: inout [[UInt8]], _ parts: [UnsafeRawBufferPointer] = [], _ body: ([UnsafeRawBufferPointer]) -> Void
    ) {
        guard parts.count < texts.count else { return body(parts) }
        let text = texts[parts.count]
        text.withUnsafeBytes { withBytes(of: &texts, parts + [$0], body) }
    }

    /// As PostgreSQL prints a time of the first day.
    private static func text(of time: Int64) -> String {
        let since = time - beginning
        func padded(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let seconds = since / 1_000_000
        return "2026-01-01 \(padded(seconds / 3600 % 24, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
            + ".\(padded(since % 1_000_000, 6))+00"
    }
}
