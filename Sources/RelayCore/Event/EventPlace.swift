/// Where the raw bytes of a column are within a batch.
struct EventPlace: Sendable {
    /// Which bytes an offset counts in.
    enum Area: UInt8, Sendable {
        /// The JSON lines: the column is there as it is, nothing in it had to be escaped.
        case line
        /// Beside the lines: what is in the line is not the column's own bytes.
        case aside
        /// Nowhere: the column is the two bytes `{}`, as most headers are.
        case emptyObject
    }

    let area: Area
    let count: UInt32
    let offset: Int

    /// Names `count` bytes, at most the gigabyte that a PostgreSQL column can have.
    init(_ area: Area, offset: Int, count: Int) {
        self.area = area
        self.count = UInt32(truncatingIfNeeded: count)
        self.offset = offset
    }

    static let emptyObject = EventPlace(.emptyObject, offset: 0, count: 2)

    var range: Range<Int> { offset..<offset + Int(count) }

    static var emptyObjectBytes: UnsafeRawBufferPointer {
        let text: StaticString = "{}"
        return UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
    }
}

/// Where the parts of one event are within a batch.
struct EventPlaces: Sendable {
    /// Offset of its line.
    var line: Int
    /// Offset of its payload among the lines.
    var payload: Int
    var eventType: EventPlace
    var aggregateType: EventPlace
    var key: EventPlace
    var headers: EventPlace
}
