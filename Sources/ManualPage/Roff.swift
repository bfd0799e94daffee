/// Text in the language of man(7), as groff and mandoc read it.
enum Roff {
    /// Plain text, of which nothing is taken for a request or an escape. Where UTF-8 is not said to be the input's encoding
    /// only ASCII is safe; the rest is named by its number.
    static func text(_ plain: String) -> String {
        var escaped = ""
        for scalar in plain.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\e"
            case "-": escaped += "\\-"
            case "'": escaped += "\\(aq"
            case "`": escaped += "\\(ga"
            case "^": escaped += "\\(ha"
            case "~": escaped += "\\(ti"
            case "\u{2026}": escaped += "..."
            case _ where scalar.isASCII: escaped.unicodeScalars.append(scalar)
            default: escaped += "\\[u\(number(scalar))]"
            }
        }
        return escaped.hasPrefix(".") ? "\\&" + escaped : escaped
    }

    static func bold(_ plain: String) -> String { "\\fB\(text(plain))\\fR" }

    static func italic(_ plain: String) -> String { "\\fI\(text(plain))\\fR" }

    /// A paragraph, in lines of at most 80 bytes as far as its words are shorter, none of them empty.
    static func paragraph(_ plain: String) -> [String] {
        plain.split(whereSeparator: \.isWhitespace).reduce(into: []) { lines, word in
            let word = text(String(word))
            if let last = lines.last, last.utf8.count + word.utf8.count < 80 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(word)
            }
        }
    }

    /// At least four digits, as groff_char(7) wants them.
    private static func number(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
