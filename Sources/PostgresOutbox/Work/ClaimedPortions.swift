import Libpq
import RelayCore

/// Locks and reads the rows of a claim, in one transaction: in portions, so that what finds no room is hardly
/// ever locked.
///
/// Through the parent, pruned to its leaf: an ALTER TABLE locks the parent first, and so does the update that follows in
/// the same transaction, or the two could wait for each other.
///
/// Each portion has a snapshot of its own, later than the one before: what turns up below the portions that were read is
/// as absent from the claim as if it had come a moment later.
struct ClaimedPortions {
    struct Found {
        var batch: EventBatch
        /// No further row was there to be had.
        var reachedEnd: Bool
        /// The sequence, after the last row was found: none of them was drawn later.
        var position: SequencePosition?
    }

    let schema: OutboxSchema
    /// At most so many rows, and, but for the first, so many bytes.
    let rows: Int
    let bytes: Int
    /// The ids that are claimed.
    let range: ClosedRange<Int64>
    /// Ids that are left out.
    var without: [Int64] = []
    /// The first portion begins the transaction.
    var begins = false

    func read(on connection: Connection, source: String, _ portion: inout PortionSize) async throws -> Found {
        var read = EventRows(source: source, byteLimit: bytes)
        var reachedEnd = false
        var position: SequencePosition?
        var next: Int64? = range.lowerBound
        while let from = next, read.isWhole, !reachedEnd, read.builder.count < rows,
            read.builder.count == 0 || read.builder.byteCount < bytes
        {
            let room = min(bytes - read.builder.byteCount, 8 << 20)
            let size = portion.rows(in: room, atMost: rows - read.builder.count)
            let before = (count: read.builder.count, bytes: read.builder.byteCount, seen: read.seen)
            read.expectSequence()
            read = try await connection.rows(
                text(size), [.int(from), .int(range.upperBound)] + (without.isEmpty ? [] : [.int8Array(without)]),
                prepares: true, begins: begins && from == range.lowerBound, into: consume read
            ) { state, row in try state.append(row) }
            portion.learn(rows: read.builder.count - before.count, bytes: read.builder.byteCount - before.bytes)
            reachedEnd = read.seen - before.seen < size
            // A portion without rows says nothing, and needs nothing: the one before bounds what there is.
            position = read.sequence ?? position
            next = read.lastID.flatMap { $0 < range.upperBound ? $0 + 1 : nil }
        }
        if let id = read.largeID {
            read = try await LargeRow(id: id, place: LargeRow.place(in: schema)).append(
                to: consume read, on: connection)
        }
        if read.isWhole, read.seen == rows { reachedEnd = false }
        let isWhole = read.isWhole
        return Found(batch: read.builder.finish(), reachedEnd: reachedEnd && isWhole, position: position)
    }

    private func text(_ limit: Int) -> SQLText {
        let bound: SQLText = without.isEmpty ? "" : " AND id <> ALL($3::bigint[])"
        return """
            SELECT \(EventRows.readColumns), \(SequencePosition.columnsSQL(of: schema.sequence)) FROM \(schema.table)
            WHERE published_at IS NULL AND id >= $1 AND id <= $2\(bound)
            ORDER BY id LIMIT \(limit) FOR UPDATE SKIP LOCKED
            """
    }
}
