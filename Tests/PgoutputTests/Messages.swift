import PostgresOutbox
import RelayCore

/// Replication messages as the server would send them, byte by byte.
enum Messages {
    static func integer(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    static func text(_ text: String) -> [UInt8] { Array(text.utf8) + [0] }

    static func wal(_ message: [UInt8], start: UInt64 = 100, end: UInt64 = 100) -> [UInt8] {
        [UInt8(ascii: "w")] + integer(start) + integer(end) + integer(Int64(7)) + message
    }

    static func keepalive(_ walEnd: UInt64, reply: Bool) -> [UInt8] {
        [UInt8(ascii: "k")] + integer(walEnd) + integer(Int64(7)) + [reply ? 1 : 0]
    }

    static func begin(_ transaction: UInt32, finalLSN: UInt64 = 200) -> [UInt8] {
        [UInt8(ascii: "B")] + integer(finalLSN) + integer(Int64(8)) + integer(transaction)
    }

    static func commit(_ commitLSN: UInt64 = 200, endLSN: UInt64 = 210) -> [UInt8] {
        [UInt8(ascii: "C"), 0] + integer(commitLSN) + integer(endLSN) + integer(Int64(8))
    }

    static let columns = [
        "id", "aggregate_type", "aggregate_id", "event_type", "payload", "headers", "created_at", "published_at",
    ]

    static func relation(
        _ id: UInt32 = 16_400, namespace: String = "public", name: String = "outbox_unpublished",
        columns: [String] = columns
    ) -> [UInt8] {
        [UInt8(ascii: "R")] + integer(id) + text(namespace) + text(name) + [UInt8(ascii: "d")]
            + integer(Int16(columns.count))
            + columns.flatMap { [$0 == "id" ? 1 : 0] + text($0) + integer(UInt32(25)) + integer(Int32(-1)) }
    }

    /// A column's value in a row.
    enum Value: ExpressibleByStringLiteral {
        case text(String)
        case null, unchanged
        case binary([UInt8])

        init(stringLiteral value: String) {
            self = .text(value)
        }

        var bytes: [UInt8] {
            switch self {
            case .text(let text): [UInt8(ascii: "t")] + integer(Int32(text.utf8.count)) + Array(text.utf8)
            case .null: [UInt8(ascii: "n")]
            case .unchanged: [UInt8(ascii: "u")]
            case .binary(let bytes): [UInt8(ascii: "b")] + integer(Int32(bytes.count)) + bytes
            }
        }
    }

    static let row: [Value] = [
        "42", "transfer", "9f1c", "transfer.posted", "{\"amount\": 1}", "{}", "2026-11-20 22:16:30.213327+00", .null,
    ]

    static func insert(_ id: UInt32 = 16_400, row: [Value] = row) -> [UInt8] {
        [UInt8(ascii: "I")] + integer(id) + [UInt8(ascii: "N")] + integer(Int16(row.count)) + row.flatMap(\.bytes)
    }
}

/// A decoder, and the ids that it was told of.
struct Receiver {
    var decoder = PgoutputDecoder(namespace: "public", relation: "outbox_unpublished")
    private(set) var ids: [Int64] = []

    /// Decodes the content of one CopyData message, from memory that ends where it ends.
    @discardableResult
    mutating func receive(_ message: [UInt8]) throws(PgoutputError) -> PgoutputDecoder.Effect {
        let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: message.count, alignment: 1)
        defer { exact.deallocate() }
        exact.copyBytes(from: message)
        let effect = try decoder.decode(UnsafeRawBufferPointer(exact))
        if case .inserted(let id) = effect { ids.append(id) }
        return effect
    }

    /// Decodes a pgoutput message.
    @discardableResult
    mutating func receive(wal message: [UInt8]) throws(PgoutputError) -> PgoutputDecoder.Effect {
        try receive(Messages.wal(message))
    }
}
