/// One configured sink: `NAME=SPEC` or `SPEC`.
package struct SinkOption: Sendable, Hashable {
    /// What a SPEC names.
    package enum Spec: Sendable, Hashable {
        /// `stdout`
        case stdout
        /// `file:PATH`
        case file(path: String)
        /// `http://…` or `https://…`
        case webhook(url: String)

        /// The name of a sink that was given none.
        package var defaultName: String {
            switch self {
            case .stdout: "stdout"
            case .file: "file"
            case .webhook: "webhook"
            }
        }
    }

    /// 1 to 63 of `A-Z a-z 0-9 _ . -`; under it the sink's cursor is kept.
    package var name: String
    package var spec: Spec

    package init(name: String, spec: Spec) {
        self.name = name
        self.spec = spec
    }

    /// Reads `NAME=SPEC` or `SPEC`.
    ///
    /// An equals sign belongs to a name only where it comes before any `:` or `/`, since paths and URLs may hold one.
    package init(parsing text: String, at place: String) throws(ConfigurationProblem) {
        let prefix = text.prefix { $0 != ":" && $0 != "/" }
        guard let equals = prefix.firstIndex(of: "=") else {
            let spec = try Spec(parsing: text, at: place)
            self.init(name: spec.defaultName, spec: spec)
            return
        }
        let name = String(text[..<equals])
        try Self.check(name: name, at: place)
        let spec = try Spec(parsing: String(text[text.index(after: equals)...]), at: place)
        self.init(name: name, spec: spec)
    }

    /// Refuses a name that cannot be one; `sinks add` keeps to the same rule.
    package static func check(name: String, at place: String) throws(ConfigurationProblem) {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        guard allowed, (1...63).contains(name.utf8.count) else {
            throw .configuration(
                "\(place): the sink name '\(shown(name))' is not valid; use 1 to 63 letters, digits, '_', '-' or '.'")
        }
    }
}

extension SinkOption.Spec {
    /// Reads a SPEC: `stdout`, `file:PATH`, `http://…` or `https://…`.
    package init(parsing text: String, at place: String) throws(ConfigurationProblem) {
        if text == "stdout" {
            self = .stdout
        } else if text.hasPrefix("file:") {
            let path = String(text.dropFirst("file:".count))
            guard !path.isEmpty, !path.utf8.contains(0) else {
                throw .configuration("\(place): the sink '\(shown(text))' names no path; write file:/path/of/a/file")
            }
            self = .file(path: path)
        } else if let scheme = ["http://", "https://"].first(where: text.lowercased().hasPrefix) {
            let host = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
            guard !host.isEmpty, !host.hasPrefix(":"), isPrintableASCII(text) else {
                throw .configuration("\(place): the sink's URL is not valid; write \(scheme)HOST[:PORT]/path")
            }
            guard !host.contains("@") else {
                throw .configuration(
                    "\(place): the sink's URL holds a user or password; leave it out, secrets belong into files")
            }
            self = .webhook(url: text)
        } else {
            throw .configuration(
                "\(place): '\(shown(text))' is not a sink; write stdout, file:PATH, http://… or https://…, "
                    + "with NAME= before it to name it")
        }
    }
}

/// Whether a URI could hold this text: ASCII without blanks and control characters (RFC 3986).
func isPrintableASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !#""<>\^`{|}"#.utf8.contains($0) }
}

/// A value as an error may show it: short, on one line, and nothing of a URL's user part.
func shown(_ text: String) -> String {
    if text.contains("@") { return "…" }
    let oneLine = String(
        text.prefix(80).map { character in
            character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F } ? character : "?"
        })
    return text.count > 80 ? oneLine + "…" : oneLine
}
