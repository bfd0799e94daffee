/// A moment as RFC 3339 writes it: `2026-11-28T12:00:00.123456+01:00`, in the years 1000 to 9998, so that it can be written like
/// this in every time zone.
package enum Timestamp {
    /// Whether the text has the form, with parts that can be; the database knows the calendar.
    package static func isWellFormed(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (20...40).contains(bytes.count), matches(bytes[..<19], "0000-00-00T00:00:00"),
            bytes[0] != UInt8(ascii: "0"), !bytes.starts(with: "9999".utf8),
            isWithin(bytes, 5, 1...12), isWithin(bytes, 8, 1...31), isWithin(bytes, 11, 0...23),
            isWithin(bytes, 14, 0...59), isWithin(bytes, 17, 0...59)
        else { return false }
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix(while: isDigit)
            guard (1...9).contains(fraction.count) else { return false }
            rest = rest.dropFirst(1 + fraction.count)
        }
        if rest == [UInt8(ascii: "Z")] { return true }
        let offset = Array(rest)
        return (matches(rest, "+00:00") || matches(rest, "-00:00")) && isWithin(offset, 1, 0...14)
            && isWithin(offset, 4, 0...59)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Whether the text is written like the pattern, in which 0 stands for any digit.
    private static func matches(_ text: ArraySlice<UInt8>, _ pattern: String) -> Bool {
        let pattern = pattern.utf8
        return text.count == pattern.count
            && zip(text, pattern).allSatisfy { $1 == UInt8(ascii: "0") ? isDigit($0) : $0 == $1 }
    }

    /// Whether the two digits at a place are a number of the range.
    private static func isWithin(_ text: [UInt8], _ place: Int, _ range: ClosedRange<Int>) -> Bool {
        range.contains(Int(text[place] - 0x30) * 10 + Int(text[place + 1] - 0x30))
    }
}
