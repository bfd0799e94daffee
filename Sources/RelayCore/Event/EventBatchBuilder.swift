import Glibc

/// Builds batches: encodes rows as the JSON lines that leave, straight from the bytes PostgreSQL sent.
///
/// The envelope is a CloudEvents 1.0 event in the JSON format, its members in a fixed order and without spaces; the
/// payload is spliced into it as it came. A row's bytes are copied once; memory is taken as it is needed, and rows that
/// could not be encoded leave no trace.
package struct EventBatchBuilder: Sendable {
    /// `","source":"…","type":"`, which is in every line.
    private let sourceSegment: [UInt8]
    private let reserving: Int
    private var ids: [Int64] = []
    private var createdAt: [Int64] = []
    private var transactions: [UInt32] = []
    private var places: [EventPlaces] = []
    private(set) var lines = ByteArena()
    /// Raw bytes of columns that are changed in the lines.
    private var aside = ByteArena()
    /// The row whose payload is coming in pieces.
    var spliced: SplicedRow?
    private var headerMembers = HeaderMembers()

    /// Makes an empty builder.
    ///
    /// - Parameters:
    ///   - source: The events' CloudEvents `source`.
    ///   - reserving: Bytes of lines to make room for with the first event of each batch.
    package init(source: String, reserving: Int = 0) {
        var source = source
        self.reserving = reserving
        sourceSegment = source.withUTF8 { text in
            let bytes = UnsafeRawBufferPointer(text)
            let (before, after): (StaticString, StaticString) = ("\",\"source\":\"", "\",\"type\":\"")
            let width = before.utf8CodeUnitCount + JSONEscape.width(bytes) + after.utf8CodeUnitCount
            return [UInt8](unsafeUninitializedCapacity: width) { buffer, count in
                guard let base = UnsafeMutableRawBufferPointer(buffer).baseAddress else { return }
                var writer = ByteWriter(end: base)
                writer.write(before)
                writer.writeEscaped(bytes)
                writer.write(after)
                count = width
            }
        }
    }

    /// How many events were appended.
    package var count: Int { ids.count }

    /// The memory that the finished batch will hold, in bytes; 0 while it is empty.
    package var byteCount: Int { lines.count + aside.count + count * EventStorage.bytesPerEvent }

    /// Appends a row. Nothing of `columns` is kept but copies.
    ///
    /// - Parameters:
    ///   - columns: The row.
    ///   - transaction: The 32-bit id of the transaction that wrote it, where that is known.
    /// - Throws: What is wrong with the row; the builder is then as before.
    package mutating func append(
        _ columns: EventColumns, transaction: UInt32 = 0
    ) throws(EventEncodingError) {
        guard !columns.payload.isEmpty, !holdsLineEnd(columns.payload) else { throw .payload(id: columns.id) }
        let row = try begin(columns, payloadWidth: columns.payload.count, transaction: transaction)
        guard let base = lines.base else { return }
        var writer = ByteWriter(end: base + lines.count + row.written)
        writer.write(columns.payload)
        writer.write(Self.ending)
        end(row, width: writer.end - base - lines.count)
    }

    /// Writes a row's line up to its payload, into room for all of it; it counts once it is ended.
    mutating func begin(
        _ columns: EventColumns, payloadWidth: Int, transaction: UInt32
    ) throws(EventEncodingError) -> SplicedRow {
        guard let time = EventTime(columns.createdAt) else {
            let beginning = String(decoding: columns.createdAt.prefix(40), as: UTF8.self)
            throw .createdAt(id: columns.id, text: beginning)
        }
        if let offset = headerMembers.read(columns.headers) { throw .headers(id: columns.id, offset: offset) }
        let texts = EnvelopeTexts(columns)
        let width = Self.fixedWidth + sourceSegment.count + texts.width + headerMembers.width + payloadWidth
        try makeRoom(width, aside: texts.asideWidth, id: columns.id)
        guard let start = lines.reserve(width) else { throw .outOfMemory(id: columns.id, bytes: width) }

        var writer = ByteWriter(end: start)
        var offsets = EnvelopeOffsets()
        write(columns, time: time, texts: texts, to: &writer, offsets: &offsets)
        return SplicedRow(
            id: columns.id, createdAt: time.microseconds, transaction: transaction,
            places: place(columns, texts: texts, offsets: offsets), written: writer.end - start, left: payloadWidth)
    }

    /// The row's line is whole: it counts from now on.
    mutating func end(_ row: SplicedRow, width: Int) {
        lines.commit(width)
        places.append(row.places)
        ids.append(row.id)
        createdAt.append(row.createdAt)
        transactions.append(row.transaction)
    }

    /// Hands over what was appended. The builder is empty afterwards and can be used again.
    package mutating func finish() -> EventBatch {
        defer {
            spliced = nil
            lines = ByteArena()
            aside = ByteArena()
            ids.removeAll(keepingCapacity: true)
            createdAt.removeAll(keepingCapacity: true)
            transactions.removeAll(keepingCapacity: true)
            places.removeAll(keepingCapacity: true)
        }
        if isKnownUniquelyReferenced(&lines) { lines.trim() }
        if isKnownUniquelyReferenced(&aside) { aside.trim() }
        // Copies of the flat arrays have no spare room, and the builder keeps its own for the next batch.
        return EventBatch(
            storage: EventStorage(
                ids: ids.withUnsafeBufferPointer { [Int64]($0) },
                createdAt: createdAt.withUnsafeBufferPointer { [Int64]($0) },
                transactions: transactions.withUnsafeBufferPointer { [UInt32]($0) },
                places: places.withUnsafeBufferPointer { [EventPlaces]($0) }, lines: lines, aside: aside))
    }
}

extension EventBatchBuilder {
    /// More than what is in every line takes, apart from the source: its member names, the numbers, the time.
    private static let fixedWidth = 320
    /// The envelope's brace and the line end, behind the payload.
    static var ending: StaticString { "}\n" }

    func holdsLineEnd(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return false }
        return memchr(base, 0x0A, text.count) != nil
    }

    /// Makes room for all of a row, so that nothing is half written where memory is out. A copy of the builder that is
    /// still about keeps the bytes that are there.
    private mutating func makeRoom(_ width: Int, aside asideWidth: Int, id: Int64) throws(EventEncodingError) {
        if !isKnownUniquelyReferenced(&lines) {
            guard let own = lines.copy() else { throw .outOfMemory(id: id, bytes: lines.count) }
            lines = own
        }
        if !isKnownUniquelyReferenced(&aside) {
            guard let own = aside.copy() else { throw .outOfMemory(id: id, bytes: aside.count) }
            aside = own
        }
        let first = count == 0 ? max(reserving, width) : width
        guard lines.reserve(first) != nil, asideWidth == 0 || aside.reserve(asideWidth) != nil else {
            throw .outOfMemory(id: id, bytes: first + asideWidth)
        }
    }

    /// Writes the line up to its payload, and notes where the columns are in it.
    private func write(
        _ columns: EventColumns, time: EventTime, texts: EnvelopeTexts, to writer: inout ByteWriter,
        offsets: inout EnvelopeOffsets
    ) {
        let start = writer.end
        writer.write("{\"specversion\":\"1.0\",\"id\":\"")
        writer.write(columns.id)
        sourceSegment.withUnsafeBytes { writer.write($0) }
        offsets.eventType = writer.end - start
        texts.eventType.write(to: &writer)
        if !columns.aggregateID.isEmpty {
            writer.write("\",\"subject\":\"")
            offsets.key = writer.end - start
            texts.key.write(to: &writer)
        }
        if time.isWritable {
            writer.write("\",\"time\":\"")
            writer.write(time)
        }
        writer.write("\",\"datacontenttype\":\"application/json")
        if !columns.aggregateID.isEmpty {
            writer.write("\",\"partitionkey\":\"")
            texts.key.write(to: &writer)
        }
        if columns.id >= 0 {
            writer.write("\",\"sequence\":\"")
            writer.write(UInt64(columns.id), width: 20)
        }
        writer.write("\",\"aggregatetype\":\"")
        offsets.aggregateType = writer.end - start
        texts.aggregateType.write(to: &writer)
        writer.write("\"")
        writer.advance(to: headerMembers.write(columns.headers, to: writer.end))
        writer.write(",\"data\":")
        offsets.payload = writer.end - start
    }

    /// Says where the columns of the row are, and puts aside what the line holds in another form.
    private func place(_ columns: EventColumns, texts: EnvelopeTexts, offsets: EnvelopeOffsets) -> EventPlaces {
        let line = lines.count
        return EventPlaces(
            line: line, payload: line + offsets.payload,
            eventType: place(texts.eventType, at: line + offsets.eventType),
            aggregateType: place(texts.aggregateType, at: line + offsets.aggregateType),
            key: place(texts.key, at: line + offsets.key),
            headers: texts.headersAreEmpty ? .emptyObject : putAside(columns.headers))
    }

    private func place(_ text: EnvelopeText, at offset: Int) -> EventPlace {
        text.isPlain ? EventPlace(.line, offset: offset, count: text.bytes.count) : putAside(text.bytes)
    }

    private func putAside(_ bytes: UnsafeRawBufferPointer) -> EventPlace {
        let place = EventPlace(.aside, offset: aside.count, count: bytes.count)
        aside.append(bytes)
        return place
    }
}
