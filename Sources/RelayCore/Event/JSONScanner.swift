/// Walks over JSON text as PostgreSQL prints it and finds where names and values are, without building any of them.
///
/// It trusts nothing: on text that is not JSON it answers `nil`, `position` then being where. It needs no stack however
/// deep values are nested, and takes some things for values that are none (`[}`, `abc`), which `jsonb` never prints.
struct JSONScanner {
    let bytes: UnsafeRawBufferPointer
    private(set) var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next byte that is no white space; `nil` at the end.
    mutating func next() -> UInt8? {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case let byte: return byte
            }
        }
        return nil
    }

    /// Passes a byte, if it is the next that is no white space.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard next() == byte else { return false }
        position += 1
        return true
    }

    /// Passes a string and says where its inside stands, between the quotes.
    mutating func string() -> Range<Int>? {
        guard skip(UInt8(ascii: "\"")) else { return nil }
        let start = position
        skipPlain()
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"):
                // What is escaped is passed with it: it may be a quote.
                position += 1
                guard position < bytes.count, bytes[position] >= 0x20 else { return nil }
                position += 1
                skipPlain()
            case 0..<0x20:
                return nil
            default:
                position += 1
            }
        }
        return nil
    }

    /// Passes any value but a string and says where its text stands.
    mutating func nonString() -> Range<Int>? {
        guard let first = next() else { return nil }
        let start = position
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            return compound() ? start..<position : nil
        }
        while position < bytes.count, !Self.endsScalar(bytes[position]) { position += 1 }
        return position > start ? start..<position : nil
    }

    /// Passes eight bytes at a time as long as a string neither ends nor escapes anything in them.
    private mutating func skipPlain() {
        guard let base = bytes.baseAddress else { return }
        while position + 8 <= bytes.count {
            if JSONEscape.hasEscape(base.loadUnaligned(fromByteOffset: position, as: UInt64.self)) { return }
            position += 8
        }
    }

    private mutating func compound() -> Bool {
        var depth = 0
        while let byte = next() {
            switch byte {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                position += 1
                if depth == 0 { return true }
            case UInt8(ascii: "\""):
                guard string() != nil else { return false }
            case 0..<0x20:
                return false
            default:
                position += 1
            }
        }
        return false
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case 0...0x20, UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\""), UInt8(ascii: "{"),
            UInt8(ascii: "["), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}
