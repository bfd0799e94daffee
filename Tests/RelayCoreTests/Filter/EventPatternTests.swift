import RelayCore
import Testing

@Suite("Patterns of event types")
struct EventPatternTests {
    private func matches(_ pattern: String, _ text: [UInt8]) -> Bool {
        text.withUnsafeBytes { EventPattern(pattern).matches($0) }
    }

    @Test(arguments: [
        ("transfer.posted", "transfer.posted", true), ("transfer.posted", "transfer.poste", false),
        ("transfer.posted", "transfer.posted!", false), ("Transfer.posted", "transfer.posted", false),
        ("*", "", true), ("*", "x", true), ("**", "x", true), ("", "", true), ("", "x", false),
        ("transfer.*", "transfer.", true), ("transfer.*", "transfer.posted", true), ("transfer.*", "transfer", false),
        ("*.posted", "transfer.posted", true), ("*.posted", ".posted", true), ("*.posted", "posted", false),
        ("*.posted", "a.posted.b", false), ("a*b", "ab", true), ("a*b", "aXb", true), ("a*b", "aXbc", false),
        ("aba*ba", "aba", false), ("aba*aba", "abaaba", true), ("a*a", "a", false),
        ("*b*", "abc", true), ("*b*", "ac", false), ("a*b*c", "a-b-b-c", true), ("a*bb*c", "a-b-b-c", false),
        ("*ab*ab*", "abab", true), ("*ab*ab*", "aba", false), ("*ab*b", "ab", false), ("*a*", "", false),
        ("über*", "überweisung", true), ("a.c", "abc", false), ("a?c", "abc", false), ("[a]*", "a", false),
    ])
    func table(_ pattern: String, _ text: String, _ expected: Bool) {
        #expect(matches(pattern, Array(text.utf8)) == expected)
    }

    /// Against the definition, on short texts of few letters, where every coincidence comes up.
    @Test func agreesWithTheDefinition() {
        let texts = words(of: "ab", upTo: 6)
        for pattern in words(of: "ab*", upTo: 5) {
            for text in texts where matches(pattern, Array(text.utf8)) != defined(pattern[...], text[...]) {
                Issue.record("\(pattern) and \(text)")
            }
        }
    }

    /// A matcher that goes back tries this for longer than the world has existed.
    @Test func manyStarsAreNoTrouble() {
        let text = [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)
        #expect(!matches(String(repeating: "a*", count: 100) + "b*", text))
        #expect(matches(String(repeating: "*a", count: 100) + "*", text))
    }

    private func words(of letters: String, upTo length: Int) -> [String] {
        var all = [""]
        var last = [""]
        for _ in 0..<length {
            last = last.flatMap { word in letters.map { word + String($0) } }
            all += last
        }
        return all
    }

    private func defined(_ pattern: Substring, _ text: Substring) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" {
            return defined(pattern.dropFirst(), text) || !text.isEmpty && defined(pattern, text.dropFirst())
        }
        return text.first == first && defined(pattern.dropFirst(), text.dropFirst())
    }
}
