import Libpq
import RelayCore

/// Reads the rows that a claim locks, in portions, through a cursor: what finds no room is not even fetched.
///
/// Through the parent, pruned to its leaf: an ALTER TABLE locks the parent first, and so does the update that follows in
/// the same transaction, or the two could wait for each other.
struct ClaimCursor {
    let schema: OutboxSchema
    let rows: Int
    let bytes: Int

    /// Declares the cursor, in a transaction that is open then.
    ///
    /// - Parameter bounds: which rows, as an SQL condition.
    func declare(_ bounds: String) -> String {
        """
        DECLARE claim NO SCROLL CURSOR FOR SELECT \(EventRows.readColumns) FROM \(schema.table)
          WHERE published_at IS NULL AND \(bounds) ORDER BY id LIMIT \(rows) FOR UPDATE SKIP LOCKED
        """
    }

    /// Fetches until the batch or its bytes are full.
    func fetch(
        on connection: Connection, source: String, _ portion: inout PortionSize
    ) async throws -> (batch: EventBatch, reachedEnd: Bool) {
        var read = EventRows(source: source, byteLimit: bytes)
        var reachedEnd = false
        while read.isWhole, !reachedEnd, read.builder.count < rows,
            read.builder.count == 0 || read.builder.byteCount < bytes
        {
            let room = min(bytes - read.builder.byteCount, 8 << 20)
            let size = portion.rows(in: room, atMost: rows - read.builder.count)
            let before = (count: read.builder.count, bytes: read.builder.byteCount, seen: read.seen)
            read = try await connection.rows("FETCH \(size) FROM claim", into: consume read) { state, row in
                try state.append(row)
            }
            portion.learn(rows: read.builder.count - before.count, bytes: read.builder.byteCount - before.bytes)
            reachedEnd = read.seen - before.seen < size
        }
        if let id = read.largeID {
            read = try await LargeRow(id: id, place: LargeRow.place(in: schema)).append(
                to: consume read, on: connection)
        }
        if read.isWhole, read.seen == rows { reachedEnd = false }
        let isWhole = read.isWhole
        return (read.builder.finish(), reachedEnd && isWhole)
    }
}
