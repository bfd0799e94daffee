internal import RelayCore

/// Whether a URI could hold this text: ASCII without blanks and control characters (RFC 3986).
func isPrintableASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !#""<>\^`{|}"#.utf8.contains($0) }
}

/// A value as an error may show it: short, on one line, and nothing of a URL's user part.
func shown(_ text: String) -> String {
    if text.contains("@") { return "…" }
    let oneLine = String(text.prefix(80).map { $0.isVisible ? $0 : "?" })
    return text.count > 80 ? oneLine + "…" : oneLine
}
