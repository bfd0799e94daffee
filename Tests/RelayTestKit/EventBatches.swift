import RelayCore

/// Events with ids from a range, each with a payload of a given size in bytes, made of `note`.
package func makeBatch(
    _ ids: ClosedRange<Int64>, payloadSize: Int = 10, note: Character = "x",
    createdAt: String = EventFixture().createdAt
) throws -> EventBatch {
    let payload = "\"" + String(repeating: note, count: max(payloadSize - 2, 0)) + "\""
    return try makeBatch(
        ids.map { EventFixture(id: $0, aggregateID: "key", payload: payload, createdAt: createdAt) })
}

/// Events as they are written down.
package func makeBatch(_ events: [EventFixture]) throws -> EventBatch {
    var builder = EventBatchBuilder(source: "/outbox")
    for event in events { try event.append(to: &builder) }
    return builder.finish()
}

extension EventBatch {
    /// The lines of some events, as they leave.
    package func text(_ range: Range<Int>) -> String { withLines(range) { String(decoding: $0, as: UTF8.self) } }
    /// All lines.
    package var text: String { text(0..<count) }
    /// All events, to be delivered at once.
    package var whole: Delivery { Delivery(slices: [.init(batch: self, range: 0..<count)]) }
}
