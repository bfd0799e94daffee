/// A text with its escapes undone, and where each byte of it was: a secret that is echoed within JSON, a URL or HTML
/// does not look as it was sent.
struct UnescapedText {
    /// Who reads an escape: what is one to JSON is none to HTML.
    enum Language: CaseIterable { case json, url, html }

    private(set) var bytes: [UInt8]
    /// The place of each byte in the text that was given.
    private(set) var places: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        places = Array(bytes.indices)
    }

    /// The text with one layer of escapes undone: JSON within JSON has two. Nil where there are none.
    func undoing(_ language: Language) -> UnescapedText? {
        var undone = UnescapedText([])
        undone.bytes.reserveCapacity(bytes.count)
        undone.places.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let escape = Escape.first(of: bytes[index...], in: language)
            let (meant, width) = escape.map { ($0.meant, $0.width) } ?? ([bytes[index]], 1)
            undone.bytes += meant
            undone.places += Array(repeating: places[index], count: meant.count)
            index += width
        }
        return undone.bytes == bytes ? nil : undone
    }

    /// Where something is in the text that was given; nil where it is not. A plus sign counts as a blank, as in
    /// forms.
    func place(of trace: [UInt8]) -> Int? {
        guard !trace.isEmpty, trace.count <= bytes.count else { return nil }
        for start in 0...(bytes.count - trace.count)
        where zip(bytes[start...], trace).allSatisfy({ $0 == $1 || (Self.isBlank($0) && Self.isBlank($1)) }) {
            return places[start]
        }
        return nil
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x2B }
}

/// An escape: what it means, and how many bytes it takes.
private struct Escape {
    var meant: [UInt8]
    var width: Int

    private static let named: [(name: [UInt8], meant: UInt8)] = [
        ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&sol;", "/"),
    ].map { (Array($0.0.utf8), $0.1.utf8.first ?? 0) }

    /// The escape that a text begins with, if it does.
    static func first(of text: ArraySlice<UInt8>, in language: UnescapedText.Language) -> Escape? {
        switch (language, text.first) {
        case (.json, UInt8(ascii: "\\")?): json(text)
        case (.url, UInt8(ascii: "%")?):
            number(text.dropFirst().prefix(2), radix: 16, digits: 2).map {
                Escape(meant: [UInt8(truncatingIfNeeded: $0)], width: 3)
            }
        case (.html, UInt8(ascii: "&")?): html(text)
        default: nil
        }
    }

    /// `\u002f` with its other half, `\x2f`, or a backslash before what is no letter.
    private static func json(_ text: ArraySlice<UInt8>) -> Escape? {
        let rest = text.dropFirst()
        switch rest.first {
        case UInt8(ascii: "u")?:
            guard let unit = number(rest.dropFirst().prefix(4), radix: 16, digits: 4) else { return nil }
            let next = text.dropFirst(6)
            let low =
                next.starts(with: Array("\\u".utf8)) ? number(next.dropFirst(2).prefix(4), radix: 16, digits: 4) : nil
            if let low, (0xD800..<0xDC00).contains(unit), (0xDC00..<0xE000).contains(low) {
                return scalar(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00), width: 12)
            }
            return scalar(unit, width: 6)
        case UInt8(ascii: "x")?:
            return number(rest.dropFirst().prefix(2), radix: 16, digits: 2).map { scalar($0, width: 4) }
        case let other? where !isAlphanumeric(other): return Escape(meant: [other], width: 2)
        default: return nil
        }
    }

    /// `&amp;`, `&#47;` or `&#x2f;`.
    private static func html(_ text: ArraySlice<UInt8>) -> Escape? {
        if let (name, byte) = named.first(where: { text.starts(with: $0.name) }) {
            return Escape(meant: [byte], width: name.count)
        }
        guard text.dropFirst().first == UInt8(ascii: "#") else { return nil }
        let isHex = text.dropFirst(2).first.map { $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: "X") } ?? false
        let digits = text.dropFirst(isHex ? 3 : 2).prefix { $0 != UInt8(ascii: ";") }
        guard digits.count <= 8, digits.endIndex < text.endIndex,
            let value = number(digits, radix: isHex ? 16 : 10, digits: digits.count)
        else { return nil }
        return scalar(value, width: digits.endIndex + 1 - text.startIndex)
    }

    /// A scalar; half of one is as good as any other character that is in no secret.
    private static func scalar(_ number: UInt32, width: Int) -> Escape {
        Escape(meant: Array(String(Unicode.Scalar(number) ?? "\u{FFFD}").utf8), width: width)
    }

    private static func number(_ digits: ArraySlice<UInt8>, radix: Int, digits count: Int) -> UInt32? {
        guard count > 0, digits.count == count, digits.allSatisfy(isAlphanumeric) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
