import Libpq
import RelayCore

/// Reads event rows into a batch as they come off the socket: each byte is copied once, into the batch's arena.
struct EventRows: Sendable {
    /// The columns in the order that `append` takes them.
    static let columns: SQLText = "id, aggregate_type, aggregate_id, event_type, payload, headers, created_at, xmin"
    /// The same, to be read: without a payload of 8 MiB and more, which comes in pieces (``LargeRow``). What is stored
    /// in less than 64 KiB cannot be that long, compressed as it may be, and is not measured.
    static let readColumns: SQLText = """
        id, aggregate_type, aggregate_id, event_type, CASE WHEN pg_catalog.pg_column_size(payload) < 65536 \
        OR pg_catalog.octet_length(payload::text) < 8388608 THEN payload END, headers, created_at, xmin
        """

    var builder: EventBatchBuilder
    /// The first row, where its payload is to be read in pieces; it takes up the room of all.
    private(set) var largeID: Int64?
    /// Rows that find no room within so many bytes are left out; at least one is always taken.
    let byteLimit: Int
    /// How many rows the statements brought, taken or not.
    private(set) var seen = 0
    /// The last of them.
    private(set) var lastID: Int64?
    /// Where the sequence was, if the statement says that behind the columns.
    private(set) var sequence: SequencePosition?

    init(source: String, byteLimit: Int) {
        builder = EventBatchBuilder(source: source)
        self.byteLimit = byteLimit
    }

    /// The next statement says anew where the sequence is.
    mutating func expectSequence() { sequence = nil }

    /// Everything that came was taken.
    var isWhole: Bool { seen == builder.count }

    mutating func append(_ row: RowView) throws {
        seen += 1
        lastID = row.int(0)
        if sequence == nil { sequence = SequencePosition(row, column: Self.width) }
        guard builder.count == seen - 1, builder.count == 0 || builder.byteCount < byteLimit else { return }
        guard !row.isNull(4) else {
            if builder.count == 0 { largeID = row.int(0) }
            return
        }
        try builder.append(EventColumns(row), transaction: row.transaction)
    }

    /// How many columns there are.
    private static let width = 8
}

extension RowView {
    /// The transaction that wrote the row, in a row of ``EventRows/columns``.
    var transaction: UInt32 { int(7).map(UInt32.init(truncatingIfNeeded:)) ?? 0 }
}

extension EventColumns {
    /// A row of ``EventRows/columns``; an absent payload is empty.
    init(_ row: RowView) throws {
        guard let id = row.int(0), let aggregateType = row.bytes(column: 1), let aggregateID = row.bytes(column: 2),
            let eventType = row.bytes(column: 3), let headers = row.bytes(column: 5),
            let createdAt = row.bytes(column: 6)
        else {
            throw PostgresError(.protocolViolation, "a row of the outbox has an unexpected NULL")
        }
        let payload = row.bytes(column: 4) ?? UnsafeRawBufferPointer(start: nil, count: 0)
        self.init(
            id: id, aggregateType: aggregateType, aggregateID: aggregateID, eventType: eventType, payload: payload,
            headers: headers, createdAt: createdAt)
    }
}

/// How many rows to ask for at once, so that about so many bytes come: learned from the rows before.
struct PortionSize: Sendable {
    /// Bytes of an average row; large at first, so that the first portion is small.
    private var average = 64 << 10

    /// Rows that fit into `bytes`, at least 1 and at most `rows`.
    func rows(in bytes: Int, atMost rows: Int) -> Int {
        let room = max(1, bytes / max(1, average))
        // Else a power of two: the number stands in a statement's text, and a session keeps few of them prepared.
        return room < rows ? 1 << (Int.bitWidth - 1 - room.leadingZeroBitCount) : max(1, rows)
    }

    mutating func learn(rows: Int, bytes: Int) {
        guard rows > 0 else { return }
        let measured = bytes / rows
        // Grows at once, shrinks by half at a time: one large row among small ones must not come a thousandfold.
        average = max(measured, average / 4, 64)
    }
}
