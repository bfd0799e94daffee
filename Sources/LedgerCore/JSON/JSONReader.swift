/// Reads JSON text strictly: RFC 8259, in UTF-8, and only what PostgreSQL's `jsonb` can keep without loss.
///
/// Refused beside what is no JSON: a member's name that comes twice in one object (of which one value would be lost), U+0000
/// and lone surrogates in strings (which PostgreSQL does not store), more than `deepest` levels, and numbers that have more than
/// `longestNumber` digits when they are written out (as PostgreSQL does: `1e100000` has many).
package struct JSONReader {
    /// Why the text cannot be read, and where.
    package struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
        package let reason: String
        /// The byte's place, from 0.
        package let offset: Int
        package var description: String { "\(reason) at byte \(offset)" }
    }

    /// How many arrays and objects may be inside one another.
    package static let deepest = 32
    package static let longestNumber = 64

    private let text: [UInt8]
    private var place = 0

    private init(_ text: [UInt8]) { self.text = text }

    /// Reads one value, with nothing but white space around it.
    package static func read(_ text: [UInt8]) throws(Failure) -> JSONValue {
        var reader = JSONReader(text)
        reader.skipSpace()
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.place == text.count else { throw reader.failure("there is more behind the value") }
        return value
    }

    private func failure(_ reason: String) -> Failure { Failure(reason: reason, offset: place) }

    private var next: UInt8? { place < text.count ? text[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        guard depth <= Self.deepest else { throw failure("more than \(Self.deepest) levels") }
        switch next {
        case UInt8(ascii: "{"): return .object(try members(depth: depth))
        case UInt8(ascii: "["): return .array(try elements(depth: depth))
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"): return .number(try number())
        case let digit? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit): return .number(try number())
        case nil: throw failure("the text ends where a value is expected")
        default: throw failure("no value begins like this")
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        for letter in "\(word)".utf8 {
            guard next == letter else { throw failure("no value is written like this") }
            place += 1
        }
        return value
    }

    private mutating func members(depth: Int) throws(Failure) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = []
        // By its bytes: to Swift, two strings that look the same are one.
        var names: Set<[UInt8]> = []
        place += 1
        skipSpace()
        if next == UInt8(ascii: "}") {
            place += 1
            return members
        }
        while true {
            guard next == UInt8(ascii: "\"") else { throw failure("a member's name is expected") }
            let start = place
            let name = try string()
            guard names.insert(Array(name.utf8)).inserted else {
                throw Failure(reason: "a member comes twice", offset: start)
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw failure("a colon is expected") }
            place += 1
            skipSpace()
            members.append(JSONValue.Member(name: name, value: try value(depth: depth + 1)))
            skipSpace()
            switch next {
            case UInt8(ascii: ","):
                place += 1
                skipSpace()
            case UInt8(ascii: "}"):
                place += 1
                return members
            default: throw failure("a comma or a brace is expected")
            }
        }
    }

    private mutating func elements(depth: Int) throws(Failure) -> [JSONValue] {
        var elements: [JSONValue] = []
        place += 1
        skipSpace()
        if next == UInt8(ascii: "]") {
            place += 1
            return elements
        }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            switch next {
            case UInt8(ascii: ","):
                place += 1
                skipSpace()
            case UInt8(ascii: "]"):
                place += 1
                return elements
            default: throw failure("a comma or a bracket is expected")
            }
        }
    }

    private mutating func number() throws(Failure) -> String {
        let start = place
        if next == UInt8(ascii: "-") { place += 1 }
        if next == UInt8(ascii: "0") { place += 1 } else { try digits() }
        if next == UInt8(ascii: ".") {
            place += 1
            try digits()
        }
        var length = place - start
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            place += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
            let exponent = place
            try digits()
            length += min(Int(String(decoding: text[exponent..<place], as: UTF8.self)) ?? .max, Self.longestNumber)
        }
        guard length <= Self.longestNumber else {
            throw Failure(reason: "a number has more than \(Self.longestNumber) digits", offset: start)
        }
        return String(decoding: text[start..<place], as: UTF8.self)
    }

    private mutating func digits() throws(Failure) {
        let start = place
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { place += 1 }
        guard place > start else { throw failure("a digit is expected") }
    }

    private mutating func string() throws(Failure) -> String {
        var bytes: [UInt8] = []
        let start = place
        place += 1
        while true {
            guard let byte = next else { throw failure("a string has no end") }
            switch byte {
            case UInt8(ascii: "\""):
                place += 1
                guard let string = String(validating: bytes, as: UTF8.self) else {
                    throw Failure(reason: "a string is not UTF-8", offset: start)
                }
                return string
            case UInt8(ascii: "\\"):
                bytes += String(try escape()).utf8
            case 0..<0x20:
                throw failure("a control character stands in a string")
            default:
                bytes.append(byte)
                place += 1
            }
        }
    }

    private mutating func escape() throws(Failure) -> Unicode.Scalar {
        place += 1
        guard let byte = next else { throw failure("a string has no end") }
        let plain: Unicode.Scalar? =
            switch byte {
            case UInt8(ascii: "\""): "\""
            case UInt8(ascii: "\\"): "\\"
            case UInt8(ascii: "/"): "/"
            case UInt8(ascii: "b"): "\u{8}"
            case UInt8(ascii: "f"): "\u{C}"
            case UInt8(ascii: "n"): "\n"
            case UInt8(ascii: "r"): "\r"
            case UInt8(ascii: "t"): "\t"
            default: nil
            }
        if let plain {
            place += 1
            return plain
        }
        guard byte == UInt8(ascii: "u") else { throw failure("no escape is written like this") }
        let unit = try fourDigits()
        if unit == 0 { throw failure("U+0000 cannot be stored") }
        if let scalar = Unicode.Scalar(unit) { return scalar }
        // The first half of a pair is followed by the second.
        guard (0xD800...0xDBFF).contains(unit), next == UInt8(ascii: "\\"), place + 1 < text.count,
            text[place + 1] == UInt8(ascii: "u")
        else { throw failure("a lone surrogate is no character") }
        place += 1
        let second = try fourDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (second - 0xDC00))
        else { throw failure("a lone surrogate is no character") }
        return scalar
    }

    /// Behind the `u`.
    private mutating func fourDigits() throws(Failure) -> UInt32 {
        place += 1
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw failure("four hexadecimal digits are expected")
            }
            unit = unit << 4 + UInt32(digit)
            place += 1
        }
        return unit
    }
}
