package import FileSink
package import RelayCore
package import WebhookSink

/// One configured sink: where it goes, how its lane behaves, and which events it wants.
package struct SinkOption: Sendable, Hashable {
    /// Where events go, and what belongs to going there.
    package enum Destination: Sendable, Hashable {
        case stdout
        case file(FileSinkSettings)
        case webhook(WebhookSettings)

        package var kind: SinkKind {
            switch self {
            case .stdout: .stdout
            case .file: .file
            case .webhook: .webhook
            }
        }
    }

    /// 1 to 63 of `A-Z a-z 0-9 _ . -`; under it the sink's cursor is kept.
    package var name: String
    package var destination: Destination
    package var lane = LanePolicy()
    /// The events that it wants; the others count as delivered to it.
    package var filter = EventFilter()
    /// How errors name the place where it is configured.
    package var place: String

    /// A sink with the defaults of its kind.
    package init(name: String, spec: SinkSpec, at place: String = "") {
        self.name = name
        self.place = place
        switch spec {
        case .stdout: destination = .stdout
        case .file(let path): destination = .file(FileSinkSettings(name: name, path: path))
        case .webhook(let url): destination = .webhook(WebhookSettings(name: name, url: url))
        }
    }

    /// Reads `NAME=SPEC` or `SPEC`.
    ///
    /// An equals sign belongs to a name only where it comes before any `:` or `/`, since paths and URLs may hold one.
    package init(parsing text: String, at place: String) throws(ConfigurationProblem) {
        let prefix = text.prefix { $0 != ":" && $0 != "/" }
        guard let equals = prefix.firstIndex(of: "=") else {
            let spec = try SinkSpec(parsing: text, at: place)
            self.init(name: spec.kind.rawValue, spec: spec, at: place)
            return
        }
        let name = String(text[..<equals])
        try Self.check(name: name, at: place)
        let spec = try SinkSpec(parsing: String(text[text.index(after: equals)...]), at: place)
        self.init(name: name, spec: spec, at: place)
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
