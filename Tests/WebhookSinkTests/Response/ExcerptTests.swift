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

    @Test func brokenTextIsMended() {
        #expect(Excerpt.make([0x61, 0xC3, 0x28, 0xFF], hiding: []) == "a�(�")
    }

    @Test(arguments: [
        ("you sent: Bearer abcdefghijklmnop!", "you sent: …"), ("token=abcdefghijkl, cut", "token=…"),
        ("nothing of it", "nothing of it"), ("abcdefgh", "abcdefgh"),
    ])
    func nothingFromTheFirstTraceOfASecretOn(text: String, shown: String) {
        #expect(Excerpt.make(text.utf8, hiding: ["Bearer abcdefghijklmnop", "abcdefghijklmnop", ""]) == shown)
    }
}
