import Libpq

/// Where the id is in the rows of the unpublished leaf: nothing else of a row is read.
struct IDColumn: Sendable {
    private static let name: StaticString = "id"

    /// How many columns a row has.
    private let width: Int
    /// Which of them is the id, counted from 0.
    private let place: Int

    /// Reads the end of a Relation message, behind the relation's name.
    ///
    /// - Throws: `shape` where there is no column `id`.
    init(_ reader: inout MessageReader) throws(PgoutputError) {
        _ = try reader.integer(UInt8.self)  // replica identity
        let count = try reader.integer(Int16.self)
        guard count >= 0 else { throw reader.malformed() }
        let name = UnsafeRawBufferPointer(start: Self.name.utf8Start, count: Self.name.utf8CodeUnitCount)
        var place: Int?
        for index in 0..<Int(count) {
            _ = try reader.integer(UInt8.self)  // flags: part of the key
            if try reader.text().elementsEqual(name) { place = index }
            _ = try reader.take(8)  // type and its modifier
        }
        guard let place else { throw .shape(missing: "id") }
        self.place = place
        width = Int(count)
    }

    /// Reads the TupleData of an Insert message to its end; of its columns nothing but the id is looked at.
    func id(_ reader: inout MessageReader) throws(PgoutputError) -> Int64 {
        guard try reader.integer(Int16.self) == width else { throw reader.malformed() }
        for _ in 0..<place { _ = try Self.value(&reader) }
        guard let value = try Self.value(&reader), let id = Int64(bigint: value) else { throw .value(column: "id") }
        for _ in place + 1..<width { _ = try Self.value(&reader) }
        return id
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
