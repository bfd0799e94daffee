import RelayCore

/// Where the columns that an event needs stand in the rows of the unpublished leaf.
struct OutboxColumns: Sendable {
    /// The columns an event needs.
    private enum Column: Int, CaseIterable {
        case id, aggregateType, aggregateID, eventType, payload, headers, createdAt

        var name: StaticString {
            switch self {
            case .id: "id"
            case .aggregateType: "aggregate_type"
            case .aggregateID: "aggregate_id"
            case .eventType: "event_type"
            case .payload: "payload"
            case .headers: "headers"
            case .createdAt: "created_at"
            }
        }

        init?(name: UnsafeRawBufferPointer) {
            let match = Self.allCases.first { column in
                let text = UnsafeRawBufferPointer(start: column.name.utf8Start, count: column.name.utf8CodeUnitCount)
                return name.elementsEqual(text)
            }
            guard let match else { return nil }
            self = match
        }
    }

    /// For each column of the table the needed one that it is, if it is one.
    private let meanings: [Column?]

    /// Reads the end of a Relation message, behind the relation's name.
    ///
    /// - Throws: `shape` where a needed column is missing.
    init(_ reader: inout MessageReader) throws(PgoutputError) {
        _ = try reader.integer(UInt8.self)  // replica identity
        let count = try reader.integer(Int16.self)
        guard count >= 0 else { throw reader.malformed() }
        var meanings: [Column?] = []
        for _ in 0..<count {
            _ = try reader.integer(UInt8.self)  // flags: part of the key
            meanings.append(Column(name: try reader.text()))
            _ = try reader.take(8)  // type and its modifier
        }
        for column in Column.allCases where !meanings.contains(column) {
            throw .shape(missing: "\(column.name)")
        }
        self.meanings = meanings
    }

    /// Reads the TupleData of an Insert message, in place.
    func row(_ reader: inout MessageReader) throws(PgoutputError) -> EventColumns {
        guard try reader.integer(Int16.self) == meanings.count else { throw reader.malformed() }
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        var row = EventColumns(
            id: 0, aggregateType: nothing, aggregateID: nothing, eventType: nothing, payload: nothing,
            headers: nothing, createdAt: nothing)
        for meaning in meanings {
            let value = try OutboxColumns.value(&reader)
            guard let meaning else { continue }
            // A row that is inserted is sent whole: nothing but NULL is left out.
            guard let value else { throw .value(column: "\(meaning.name)") }
            switch meaning {
            case .id:
                guard let id = Int64(decimal: value) else { throw .value(column: "id") }
                row.id = id
            case .aggregateType: row.aggregateType = value
            case .aggregateID: row.aggregateID = value
            case .eventType: row.eventType = value
            case .payload: row.payload = value
            case .headers: row.headers = value
            case .createdAt: row.createdAt = value
            }
        }
        return row
    }

    /// A column's text, in place; `nil` where it is null or was not sent.
    private static func value(_ reader: inout MessageReader) throws(PgoutputError) -> UnsafeRawBufferPointer? {
        switch try reader.integer(UInt8.self) {
        case UInt8(ascii: "t"): return try reader.take(Int(try reader.integer(Int32.self)))
        case UInt8(ascii: "n"), UInt8(ascii: "u"): return nil
        // The binary format was not asked for.
        default: throw reader.malformed()
        }
    }
}

extension Int64 {
    /// A number as PostgreSQL prints a `bigint`; `nil` is anything else.
    fileprivate init?(decimal text: UnsafeRawBufferPointer) {
        let isNegative = text.first == UInt8(ascii: "-")
        let digits = text.dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty else { return nil }
        var value: Int64 = 0
        for byte in digits {
            let digit = Int64(byte) - Int64(UInt8(ascii: "0"))
            guard 0...9 ~= digit else { return nil }
            let (scaled, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = scaled.addingReportingOverflow(isNegative ? -digit : digit)
            guard !tooLarge, !overflow else { return nil }
            value = sum
        }
        self = value
    }
}
