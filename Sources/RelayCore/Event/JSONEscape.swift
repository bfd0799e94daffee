/// Text as the inside of a JSON string (RFC 8259, section 7): quotes, backslashes and control characters are escaped,
/// everything else stays as it is.
enum JSONEscape {
    /// How many bytes each byte takes, escaped.
    private static let widths: [UInt8] = (0...255).map { byte in
        switch byte {
        case 0x08, 0x09, 0x0A, 0x0C, 0x0D, 0x22, 0x5C: 2
        case 0..<0x20: 6
        default: 1
        }
    }

    /// How many bytes a text takes, escaped: its own count where nothing has to be.
    static func width(_ text: UnsafeRawBufferPointer) -> Int {
        guard needsEscape(text) else { return text.count }
        return widths.withUnsafeBufferPointer { widths in
            text.reduce(0) { $0 + Int(widths[Int($1)]) }
        }
    }

    /// Writes a text, escaped, and says where it ends; there must be room for its ``width(_:)``.
    static func write(_ text: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var end = target
        for byte in text {
            guard let escape = shortEscape(byte) else {
                if byte < 0x20 {
                    end = writeControl(byte, to: end)
                } else {
                    end.storeBytes(of: byte, as: UInt8.self)
                    end += 1
                }
                continue
            }
            end.storeBytes(of: UInt8(ascii: "\\"), as: UInt8.self)
            end.storeBytes(of: escape, toByteOffset: 1, as: UInt8.self)
            end += 2
        }
        return end
    }

    /// Looks at eight bytes at a time: nearly no text has anything to escape.
    private static func needsEscape(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let base = text.baseAddress else { return false }
        var position = 0
        while position + 8 <= text.count {
            if hasEscape(base.loadUnaligned(fromByteOffset: position, as: UInt64.self)) { return true }
            position += 8
        }
        while position < text.count {
            let byte = base.load(fromByteOffset: position, as: UInt8.self)
            if byte < 0x20 || byte == 0x22 || byte == 0x5C { return true }
            position += 1
        }
        return false
    }

    /// Whether one of eight bytes is below 0x20, a quote or a backslash ("Bit Twiddling Hacks", haszero and hasless).
    static func hasEscape(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let control = (word &- ones &* 0x20) & ~word
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        let found = control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
        return found & (ones &* 0x80) != 0
    }

    private static func shortEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x22, 0x5C: byte
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }

    private static func writeControl(_ byte: UInt8, to target: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
        var end = target
        for character in "\\u00".utf8 {
            end.storeBytes(of: character, as: UInt8.self)
            end += 1
        }
        for digit in [byte >> 4, byte & 15] {
            end.storeBytes(of: digit < 10 ? 0x30 + digit : 0x57 + digit, as: UInt8.self)
            end += 1
        }
        return end
    }
}
