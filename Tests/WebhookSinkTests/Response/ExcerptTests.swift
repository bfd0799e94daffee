import Testing

@testable import WebhookSink

@Suite("What is shown of an answer")
struct ExcerptTests {
    @Test func controlCharactersAreBlanks() {
        let text = "a\r\n\u{1B}[31mb\u{202E}c\u{2028}d\0"
        #expect(Excerpt.make(text.utf8, hiding: []) == "a  [31mb c d")
    }

    @Test func longTextIsCut() {
        let shown = Excerpt.make(String(repeating: "é", count: 2000).utf8.prefix(1999), hiding: [])
        #expect(shown == String(repeating: "é", count: 300) + "…")
    }

    @Test func brokenTextIsRepaired() {
        #expect(Excerpt.make([0x61, 0xC3, 0x28, 0xFF], hiding: []) == "a�(�")
    }

    @Test(arguments: [
        ("you sent: Bearer abcdefghijklmnop!", "you sent: …"), ("token=abcdefghijkl, cut", "token=…"),
        ("nothing of it", "nothing of it"), ("abcdefgh", "abcdefgh"),
    ])
    func nothingFromTheFirstTraceOfASecretOn(text: String, shown: String) {
        #expect(Excerpt.make(text.utf8, hiding: ["Bearer abcdefghijklmnop", "abcdefghijklmnop", ""]) == shown)
    }

    /// A receiver echoes within JSON, a URL or HTML, or in several of them at once.
    @Test(arguments: [
        #"s3/cr&t"+\é😀x-and-more"#, #"s3\/cr&t\"+\\é😀x-and-more"#,
        #"s3\u002fcr\u0026t\u0022\u002B\u005c\u00e9\ud83d\ude00x-and"#,
        "s3%2Fcr%26t%22%2B%5C%C3%A9%F0%9F%98%80x", "s3%2fcr%26t%22+%5c%c3%a9", "s3&#47;cr&amp;t&quot;+\\é",
        "s3&#x2f;cr&#38;t&#x22;+\\é", #"s3\\\/cr&t\\\"+\\\\é"#, #"s3\x2fcr\x26t\"+\\é"#,
        "s3%252Fcr%2526t%2522%252B%255C%25C3%25A9",
        #"\u0073\u0033\u002f\u0063\u0072\u0026\u0074\u0022\u002b\u005c\u00e9"#, #"s3%5C%2Fcr%26t%5C%22%2B%5C%5C%C3%A9"#,
    ])
    func aSecretThatIsEscaped(echo: String) {
        let shown = Excerpt.make(#"{"error":"no \#(echo)"}"#.utf8, hiding: [#"s3/cr&t"+\é😀x-and-more"#])
        #expect(shown == #"{"error":"no …"#)
    }

    @Test(arguments: [
        "\\", "%", "%2", "%zz", "\\u", "\\u00", "\\u12G4", "&", "&#", "&#;", "&#x;", "&#99999999;", "\\ud800", "&nbsp;",
    ])
    func whatOnlyLooksEscapedIsShown(text: String) {
        #expect(Excerpt.make(text.utf8, hiding: ["something that is secret"]) == text)
        #expect(Excerpt.make("a\(text)b".utf8, hiding: ["something that is secret"]) == "a\(text)b")
    }
}
