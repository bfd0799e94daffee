/// The members of an event's JSON that come from its headers, in the order in which they are there.
///
/// Names are lower-cased and lose what is no ASCII letter or digit, as CloudEvents demands of attribute names. One that
/// is then empty or means a member of the envelope is left out; of several that become the same name the first in byte
/// order of the original names travels. A value that is not a string travels as a string that holds its JSON text:
/// CloudEvents knows no attribute that is an object, an array, a fraction or null. Headers that are no object
/// contribute nothing.
///
/// It keeps its memory from one event to the next.
struct HeaderMembers: Sendable {
    private struct Member: Sendable {
        /// The attribute's name, among `names`.
        let name: Range<Int>
        /// The name as the producer wrote it, unescaped, among `names`.
        let original: Range<Int>
        /// The value's text in the headers: of a string what is between its quotes.
        let value: Range<Int>
        let isString: Bool
    }

    private var members: [Member] = []
    private var names: [UInt8] = []
    /// At most how many bytes the members take.
    private(set) var width = 0

    /// Reads headers.
    ///
    /// - Returns: `nil`, or the first byte that is out of place where they are not JSON.
    mutating func read(_ headers: UnsafeRawBufferPointer) -> Int? {
        members.removeAll(keepingCapacity: true)
        names.removeAll(keepingCapacity: true)
        width = 0
        // Most headers are `{}`.
        if ByteOrder.areEqual(headers, EventPlace.emptyObjectBytes) { return nil }
        var scanner = JSONScanner(headers)
        guard scanner.skip(UInt8(ascii: "{")) else {
            // Some other value: it has no members.
            return nil
        }
        if scanner.skip(UInt8(ascii: "}")) { return nil }
        repeat {
            guard readMember(&scanner) else { return scanner.position }
        } while scanner.skip(UInt8(ascii: ","))
        guard scanner.skip(UInt8(ascii: "}")), scanner.next() == nil else { return scanner.position }
        if members.count > 1 { sort() }
        return nil
    }

    /// Writes `,"name":"value"` for each member and says where the last ends; there must be room for ``width``.
    ///
    /// - Parameter headers: What was read.
    func write(_ headers: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        guard !members.isEmpty else { return target }
        var writer = ByteWriter(end: target)
        names.withUnsafeBytes { names in
            var last = UnsafeRawBufferPointer(start: nil, count: 0)
            for member in members {
                let name = UnsafeRawBufferPointer(rebasing: names[member.name])
                if ByteOrder.areEqual(name, last) { continue }
                last = name
                writer.write(",\"")
                writer.write(name)
                writer.write("\":\"")
                let value = UnsafeRawBufferPointer(rebasing: headers[member.value])
                if member.isString {
                    // It was a JSON string and is one again: its escapes stay as they are.
                    writer.write(value)
                } else {
                    writer.writeEscaped(value)
                }
                writer.write("\"")
            }
        }
        return writer.end
    }

    private mutating func readMember(_ scanner: inout JSONScanner) -> Bool {
        let headers = scanner.bytes
        guard let rawName = scanner.string(), scanner.skip(UInt8(ascii: ":")) else { return false }
        let isString = scanner.next() == UInt8(ascii: "\"")
        guard let value = isString ? scanner.string() : scanner.nonString() else { return false }

        let start = names.count
        guard names.append(unescaping: UnsafeRawBufferPointer(rebasing: headers[rawName])) else { return false }
        let original = start..<names.count
        for position in original {
            if let character = Self.normalized(names[position]) { names.append(character) }
        }
        let name = original.upperBound..<names.count
        guard !name.isEmpty, !isReserved(name) else {
            names.removeSubrange(start...)
            return true
        }
        members.append(Member(name: name, original: original, value: value, isString: isString))
        let text = UnsafeRawBufferPointer(rebasing: headers[value])
        width += name.count + (isString ? text.count : JSONEscape.width(text)) + 6
        return true
    }

    private static func normalized(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
        default: nil
        }
    }

    /// What the envelope itself names, and what else CloudEvents does.
    private static let reserved: [StaticString] = [
        "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "partitionkey", "sequence",
        "aggregatetype", "data", "dataschema",
    ]

    private func isReserved(_ name: Range<Int>) -> Bool {
        names.withUnsafeBytes { names in
            let name = UnsafeRawBufferPointer(rebasing: names[name])
            return Self.reserved.contains { reserved in
                let bytes = UnsafeRawBufferPointer(start: reserved.utf8Start, count: reserved.utf8CodeUnitCount)
                return ByteOrder.areEqual(bytes, name)
            }
        }
    }

    /// By name, then by original name: so the first of equal names is the one that travels.
    private mutating func sort() {
        names.withUnsafeBytes { names in
            members.sort { left, right in
                let leftName = UnsafeRawBufferPointer(rebasing: names[left.name])
                let rightName = UnsafeRawBufferPointer(rebasing: names[right.name])
                if ByteOrder.areEqual(leftName, rightName) {
                    return ByteOrder.precedes(
                        UnsafeRawBufferPointer(rebasing: names[left.original]),
                        UnsafeRawBufferPointer(rebasing: names[right.original]))
                }
                return ByteOrder.precedes(leftName, rightName)
            }
        }
    }
}
