/// A column that is in the envelope as a JSON string.
struct EnvelopeText {
    let bytes: UnsafeRawBufferPointer
    /// How many bytes it takes there.
    let width: Int

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        width = JSONEscape.width(bytes)
    }

    /// Whether it is there byte for byte.
    var isPlain: Bool { width == bytes.count }

    /// How many bytes must be kept beside the line.
    var asideWidth: Int { isPlain ? 0 : bytes.count }

    func write(to writer: inout ByteWriter) {
        if isPlain {
            writer.write(bytes)
        } else {
            writer.writeEscaped(bytes)
        }
    }
}

/// The columns of one row that are in the envelope as JSON strings, measured once.
struct EnvelopeTexts {
    let eventType: EnvelopeText
    let aggregateType: EnvelopeText
    let key: EnvelopeText
    let headersAreEmpty: Bool
    /// How many bytes they take in the line; the key is there twice.
    let width: Int
    /// How many bytes must be kept beside the line.
    let asideWidth: Int

    init(_ columns: EventColumns) {
        eventType = EnvelopeText(columns.eventType)
        aggregateType = EnvelopeText(columns.aggregateType)
        key = EnvelopeText(columns.aggregateID)
        headersAreEmpty = ByteOrder.areEqual(columns.headers, EventPlace.emptyObjectBytes)
        width = eventType.width + aggregateType.width + 2 * key.width
        asideWidth =
            eventType.asideWidth + aggregateType.asideWidth + key.asideWidth
            + (headersAreEmpty ? 0 : columns.headers.count)
    }
}

/// Where parts of a line are, counted from its beginning.
struct EnvelopeOffsets {
    var eventType = 0
    var aggregateType = 0
    var key = 0
    var payload = 0
}
