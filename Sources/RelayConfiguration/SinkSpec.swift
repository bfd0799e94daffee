/// What a SPEC names: where events go, with everything else at its default.
package enum SinkSpec: Sendable, Hashable {
    /// `stdout`
    case stdout
    /// `file:PATH`
    case file(path: String)
    /// `http://…` or `https://…`
    case webhook(url: String)

    /// The kind of sink.
    package var kind: SinkKind {
        switch self {
        case .stdout: .stdout
        case .file: .file
        case .webhook: .webhook
        }
    }
}

/// The kinds of sinks; their names are those of sinks that were given none.
package enum SinkKind: String, CaseIterable, Sendable {
    case stdout, file, webhook

    /// As errors name it.
    var noun: String {
        switch self {
        case .stdout: "stdout"
        case .file: "a file"
        case .webhook: "a webhook"
        }
    }
}

extension SinkSpec {
    /// Of what may be meant as a URL no more than what comes before its path: the rest may be a receiver's secret.
    private static func withoutPath(_ text: String) -> String {
        if text.contains("@") { return "…" }
        let beginning = text.prefix { !"/?#".contains($0) }
        return beginning.count == text.count ? text : beginning + "…"
    }

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
            guard !host.isEmpty, !host.hasPrefix(":") else {
                throw .configuration("\(place): the sink's URL is not valid; write \(scheme)HOST[:PORT]/path")
            }
            guard isPrintableASCII(text) else {
                throw .configuration(
                    "\(place): the sink's URL contains characters other than printable ASCII; "
                        + "percent-encode those in its path, and write its host in Punycode")
            }
            guard !host.contains("@") else {
                throw .configuration(
                    "\(place): the sink's URL contains a user or password; remove it, secrets belong in files")
            }
            self = .webhook(url: text)
        } else {
            throw .configuration(
                "\(place): '\(shown(Self.withoutPath(text)))' is not a sink; write stdout, file:PATH, http://… or https://…, "
                    + "with NAME= before it to name it")
        }
    }
}
