/// A row whose line is begun: everything before the payload is written behind the lines that count.
struct SplicedRow: Sendable {
    var id: Int64
    var createdAt: Int64
    var transaction: UInt32
    var places: EventPlaces
    /// Bytes of the line so far.
    var written: Int
    /// Bytes of the payload that are still to come.
    var left: Int
}

/// A payload that comes in pieces is in memory once, and nowhere else beside the piece at hand.
extension EventBatchBuilder {
    /// Begins a row; it counts once its payload is whole.
    ///
    /// - Parameters:
    ///   - columns: The row; its payload is not looked at.
    ///   - payloadWidth: The bytes of all pieces together.
    ///   - transaction: The 32-bit id of the transaction that wrote it, where that is known.
    /// - Throws: What is wrong with the row; the builder is then as before.
    package mutating func beginSpliced(
        _ columns: EventColumns, payloadWidth: Int, transaction: UInt32 = 0
    ) throws(EventEncodingError) {
        guard payloadWidth > 0 else { throw .payload(id: columns.id) }
        spliced = nil
        spliced = try begin(columns, payloadWidth: payloadWidth, transaction: transaction)
    }

    /// Appends the next piece of the payload; with the last one the row is whole.
    ///
    /// - Throws: where the piece does not belong to a payload of the width that was promised.
    package mutating func splice(_ piece: UnsafeRawBufferPointer) throws(EventEncodingError) {
        guard var row = spliced, let base = lines.base else { return }
        spliced = nil
        guard piece.count <= row.left, !holdsLineEnd(piece) else { throw .payload(id: row.id) }
        var writer = ByteWriter(end: base + lines.count + row.written)
        writer.write(piece)
        row.written += piece.count
        row.left -= piece.count
        guard row.left == 0 else {
            spliced = row
            return
        }
        writer.write(Self.ending)
        end(row, width: row.written + Self.ending.utf8CodeUnitCount)
    }
}
