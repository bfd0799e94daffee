import Libpq
import Testing

/// What goes into a statement as text, though no person would write it.
@Suite struct EscapeTests {
    /// An accent behind a quote, or a letter that takes the quote to itself, makes one character with it.
    static let texts = [
        "", "it's", "''", "'\u{301}", "\u{0D4E}'", "\"\u{301}", "\u{0D4E}\"", "\\\u{301}", "\\", "\r\n'", "ü'ü\"",
        "\u{0D4E}'; DROP TABLE outbox --", "\u{0D4E}\",\"",
    ]

    @Test func everyQuoteIsDoubled() {
        #expect(Array(quotedLiteral("'\u{301}").utf8) == Array("'''\u{301}'".utf8))
        #expect(Array(quotedLiteral("\u{0D4E}'").utf8) == Array("'\u{0D4E}'''".utf8))
        #expect(Array(quotedIdentifier("\u{0D4E}\"").utf8) == Array("\"\u{0D4E}\"\"\"".utf8))
    }

    @Test func theServerReadsWhatWasWritten() async throws {
        let connection = try await Server.connect()
        for text in Self.texts {
            let literal = try await connection.execute("SELECT \(SQLText(constant: text)), 'behind'")
            #expect(literal[0].string(0, 0) == text && literal[0].string(0, 1) == "behind")
            guard !text.isEmpty else { continue }
            let named = try await connection.execute("SELECT 1 AS \(SQLText(name: text))")
            #expect(named[0].columnNames == [text])
        }
        let back = try await connection.query("SELECT unnest($1::text[])", [.textArray(Self.texts)])
        #expect(back.rows.map { $0.string(0) } == Self.texts)
        await connection.close()
    }
}
