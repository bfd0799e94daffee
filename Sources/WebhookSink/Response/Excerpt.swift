import Foundation

/// What is shown of text that a receiver sent: cut, on one line, and without what the receiver may have echoed of our
/// credentials.
package enum Excerpt {
    /// Characters shown at most.
    package static let limit = 300

    /// - Parameters:
    ///   - bytes: The text, perhaps cut anywhere.
    ///   - hidden: What must not be shown: from the first trace of one of these on, nothing is.
    package static func make(_ bytes: some Sequence<UInt8>, hiding hidden: [String]) -> String {
        var text = String(decoding: Array(bytes), as: UTF8.self)
        for secret in hidden {
            // Its beginning is enough: the rest may have been cut off.
            let trace = secret.prefix(12)
            if !trace.isEmpty, let range = text.range(of: trace) { text = text[..<range.lowerBound] + "…" }
        }
        var shown = ""
        var count = 0
        for character in text {
            if count == limit { return shown + "…" }
            shown.append(isVisible(character) ? character : " ")
            count += 1
        }
        return shown.trimmingCharacters(in: .whitespaces)
    }

    /// Control characters could rewrite a terminal; line ends and marks of direction could forge a log line.
    private static func isVisible(_ character: Character) -> Bool {
        character.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
            default: true
            }
        }
    }
}
