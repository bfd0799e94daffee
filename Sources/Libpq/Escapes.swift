/// The text with one byte put before each of some others, wherever these are.
///
/// Bytes, not characters: an accent behind a quote makes one `Character` with it, which no search for the quote finds,
/// while the server reads a quote.
///
/// - Parameter escapes: for an ASCII byte, the ASCII byte that is put before it.
package func escaped(_ text: String, _ escapes: [UInt8: UInt8]) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count + 8)
    for byte in text.utf8 {
        if let before = escapes[byte] { bytes.append(before) }
        bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// An identifier in double quotes (PostgreSQL documentation, 4.1.1).
package func quotedIdentifier(_ name: String) -> String {
    let quote = UInt8(ascii: "\"")
    return "\"" + escaped(name, [quote: quote]) + "\""
}

/// A string constant, for sessions with `standard_conforming_strings` on (PostgreSQL documentation, 4.1.2.1).
package func quotedLiteral(_ text: String) -> String {
    let quote = UInt8(ascii: "'")
    return "'" + escaped(text, [quote: quote]) + "'"
}
