/// A package of ICU's data, as it is compiled into Foundation: a header, a table of contents sorted by name, and the items.
///
/// The format is that of `UDataOffsetTOC` in ICU's `ucmndata.h`, with the header of `udata.h`; numbers are little-endian.
struct DataPackage {
    struct Item {
        /// With the package's name in front: `icudt76l/coll/root.res`.
        let name: String
        let bytes: ArraySlice<UInt8>
    }

    /// What stands before the table, kept as it is.
    let header: ArraySlice<UInt8>
    var items: [Item]

    struct Malformed: Error {}

    init(_ bytes: [UInt8]) throws(Malformed) {
        // The header's size, and the two bytes that all of ICU's data has.
        guard bytes.count > 4, bytes[2] == 0xda, bytes[3] == 0x27 else { throw Malformed() }
        let start = Int(bytes[0]) | Int(bytes[1]) << 8
        let count = try Self.number(bytes, at: start)
        guard bytes.count >= start + 4 + 8 * count else { throw Malformed() }
        let entries = try (0..<count).map { index throws(Malformed) in
            (
                name: start + (try Self.number(bytes, at: start + 4 + 8 * index)),
                data: start + (try Self.number(bytes, at: start + 8 + 8 * index))
            )
        }
        let ends = entries.dropFirst().map(\.data) + [bytes.count]
        header = bytes[..<start]
        items = try zip(entries, ends).map { entry, end throws(Malformed) in
            guard entry.name < bytes.count, entry.data <= end, end <= bytes.count,
                let zero = bytes[entry.name...].firstIndex(of: 0)
            else { throw Malformed() }
            return Item(
                name: String(decoding: bytes[entry.name..<zero], as: UTF8.self), bytes: bytes[entry.data..<end])
        }
    }

    /// The package with its items, each at a multiple of sixteen bytes.
    var bytes: [UInt8] {
        let names: [UInt8] = items.reduce(into: []) { $0 += Array($1.name.utf8) + [0] }
        var nameOffset = 4 + 8 * items.count
        var dataOffset = Self.padded(nameOffset + names.count)
        var table = Self.bytes(of: items.count)
        var data: [UInt8] = []
        for item in items {
            table += Self.bytes(of: nameOffset) + Self.bytes(of: dataOffset)
            nameOffset += item.name.utf8.count + 1
            dataOffset += Self.padded(item.bytes.count)
            data += item.bytes
            data += Array(repeating: 0, count: Self.padded(item.bytes.count) - item.bytes.count)
        }
        let contents = table + names
        let padding = Array<UInt8>(repeating: 0, count: Self.padded(contents.count) - contents.count)
        return Array(header) + contents + padding + data
    }

    private static func padded(_ size: Int) -> Int { (size + 15) / 16 * 16 }

    private static func number(_ bytes: [UInt8], at offset: Int) throws(Malformed) -> Int {
        guard offset >= 0, offset + 4 <= bytes.count else { throw Malformed() }
        return (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
    }

    private static func bytes(of number: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
}
