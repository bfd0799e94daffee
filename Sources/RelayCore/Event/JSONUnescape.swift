extension Array<UInt8> {
    /// Appends what the inside of a JSON string stands for, as UTF-8.
    ///
    /// A lone surrogate, which `jsonb` refuses to store, becomes U+FFFD.
    ///
    /// - Returns: false where the text holds an escape that JSON does not know.
    mutating func append(unescaping text: UnsafeRawBufferPointer) -> Bool {
        var position = 0
        while position < text.count {
            guard text[position] == UInt8(ascii: "\\") else {
                append(text[position])
                position += 1
                continue
            }
            guard position + 1 < text.count else { return false }
            if text[position + 1] == UInt8(ascii: "u") {
                guard let scalar = Self.scalar(text, at: &position) else { return false }
                append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                guard let byte = Self.unescaped(text[position + 1]) else { return false }
                append(byte)
                position += 2
            }
        }
        return true
    }

    /// Reads `\uXXXX`, or two of them that make one character, and passes it.
    private static func scalar(_ text: UnsafeRawBufferPointer, at position: inout Int) -> Unicode.Scalar? {
        guard let unit = codeUnit(text, at: position) else { return nil }
        position += 6
        if UTF16.isLeadSurrogate(unit), let trail = codeUnit(text, at: position), UTF16.isTrailSurrogate(trail) {
            position += 6
            return Unicode.Scalar(0x1_0000 + ((UInt32(unit) & 0x3FF) << 10) + (UInt32(trail) & 0x3FF))
        }
        return Unicode.Scalar(unit) ?? "\u{FFFD}"
    }

    private static func codeUnit(_ text: UnsafeRawBufferPointer, at position: Int) -> UInt16? {
        guard position + 6 <= text.count, text[position] == UInt8(ascii: "\\"), text[position + 1] == UInt8(ascii: "u")
        else { return nil }
        var unit: UInt16 = 0
        for byte in text[position + 2..<position + 6] {
            guard let digit = hexadecimal(byte) else { return nil }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func unescaped(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): byte
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "r"): 0x0D
        default: nil
        }
    }
}
