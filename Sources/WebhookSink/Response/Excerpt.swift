import Foundation
import RelayCore

/// What is shown of text that a receiver sent: cut, on one line, and without what the receiver may have echoed of our
/// credentials.
package enum Excerpt {
    /// Characters shown at most.
    package static let limit = 300

    /// - Parameters:
    ///   - bytes: The text, perhaps cut anywhere.
    ///   - hidden: What must not be shown: from the first trace of one of these on, nothing is.
    package static func make(_ bytes: some Sequence<UInt8>, hiding hidden: [String]) -> String {
        let bytes = Array(bytes)
        let cut = firstTrace(of: hidden, in: bytes)
        let text = String(decoding: bytes[..<(cut ?? bytes.count)], as: UTF8.self) + (cut == nil ? "" : "…")
        var shown = ""
        var count = 0
        for character in text {
            if count == limit { return shown + "…" }
            shown.append(character.isVisible ? character : " ")
            count += 1
        }
        return shown.trimmingCharacters(in: .whitespaces)
    }

    /// Layers of escapes that are looked through: JSON in a string of JSON in a URL has three.
    private static let layers = 3

    /// Where the first of the secrets begins, escaped as it may be.
    private static func firstTrace(of secrets: [String], in bytes: [UInt8]) -> Int? {
        // The beginning of a secret is enough: the rest may have been cut off.
        let traces = secrets.map { Array($0.utf8.prefix(12)) }.filter { !$0.isEmpty }
        guard !traces.isEmpty else { return nil }
        var first: Int?
        var texts = [UnescapedText(bytes)]
        for _ in 0...layers {
            for place in texts.lazy.flatMap({ text in traces.compactMap { text.place(of: $0) } }) {
                first = min(first ?? place, place)
            }
            texts = texts.flatMap { text in UnescapedText.Language.allCases.compactMap { text.undoing($0) } }
        }
        return first
    }
}
