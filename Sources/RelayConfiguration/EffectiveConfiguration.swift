private import FileSink
private import RelayCore
private import WebhookSink

/// A configuration as it may be shown to anybody: each value, and where it is from.
package struct EffectiveConfiguration: Sendable {
    package struct Origin: Sendable, Hashable {
        package var layer: ConfigurationLayer
        /// The flag, the variable, or file and line; nil for a default.
        package var place: String?
    }

    /// The value of an option; nil where it has none.
    package struct Option: Sendable, Hashable {
        package var key: OptionKey
        package var value: String?
        package var origin: Origin
    }

    /// What a sink is told under one key, `retry.base` say.
    package struct SinkValue: Sendable, Hashable {
        package enum Text: Sendable, Hashable {
            case one(String)
            case list([String])
        }

        package var key: String
        package var text: Text
        package var origin: Origin
    }

    package struct Sink: Sendable, Hashable {
        package var name: String
        package var origin: Origin
        package var values: [SinkValue]
    }

    /// The file, if one was named.
    package let file: String?
    /// All of them, in the order of their keys.
    package let options: [Option]
    /// Of each what is said of it; what is not has its default.
    package let sinks: [Sink]

    /// - Parameters:
    ///   - resolution: of a configuration in which nothing is wrong.
    ///   - database: the connection string without its secrets.
    package init(_ resolution: Resolution, database: String) {
        file = resolution.file?.path
        options = OptionKey.allCases.map { key in
            let said = key.definition.text(resolution.options)
            let text =
                switch key {
                case .database: database.isEmpty ? nil : database
                case .otlp: said.map(withoutPath)
                default: said.map(withoutUser)
                }
            return Option(key: key, value: text, origin: resolution.origin(of: key))
        }
        let entries = resolution.sinkLayer == .file ? resolution.file?.sinks ?? [] : []
        sinks = resolution.said.sinks.enumerated().map { index, sink in
            guard index < entries.count else { return Sink(sink, resolution.sinkLayer) }
            return Sink(sink, entries[index])
        }
    }
}

extension Resolution {
    fileprivate func origin(of key: OptionKey) -> EffectiveConfiguration.Origin {
        guard let setting = settings[key] else { return .init(layer: .default) }
        let place: String? =
            switch setting.layer {
            case .default: nil
            case .file: setting.line.map { "\(file?.path ?? ""):\($0)" }
            case .environment: key.variable
            case .flag: key.flag
            }
        return .init(layer: setting.layer, place: place)
    }
}

extension EffectiveConfiguration.Sink {
    /// One that has nothing but a SPEC.
    fileprivate init(_ sink: SinkOption, _ layer: ConfigurationLayer) {
        let origin = EffectiveConfiguration.Origin(layer: layer, place: layer == .default ? nil : sink.place)
        self.init(
            name: sink.name, origin: origin,
            values: [.init(key: SinkKey.to.rawValue, text: .one(sink.destination.shown), origin: origin)])
    }

    /// One of the file.
    fileprivate init(_ sink: SinkOption, _ entry: FileSection) {
        self.init(
            name: sink.name, origin: .init(layer: .file, place: "\(entry.file):\(entry.line)"),
            values: entry.entries.flatMap { Self.values($0, under: "", in: entry.file) }.map { value in
                var value = value
                // Its path may be the receiver's secret.
                if value.key == SinkKey.to.rawValue { value.text = .one(sink.destination.shown) }
                return value
            })
    }

    /// What is under a key; of a mapping, what is under each of its keys.
    private static func values(
        _ entry: FileNode.Entry, under path: String, in file: String
    ) -> [EffectiveConfiguration.SinkValue] {
        let origin = EffectiveConfiguration.Origin(layer: .file, place: "\(file):\(entry.line)")
        // A header's value may be a secret whatever its name is.
        let isHidden = path == "\(SinkKey.headers.rawValue)."
        func shown(_ text: String) -> String { isHidden ? "…" : withoutUser(text) }
        let key = path + entry.key
        switch entry.value.content {
        case .null: return []
        case .scalar(let text): return [.init(key: key, text: .one(shown(text)), origin: origin)]
        case .list(let items):
            let texts = items.map { item in
                if case .scalar(let text) = item.content { shown(text) } else { "…" }
            }
            return [.init(key: key, text: .list(texts), origin: origin)]
        case .mapping(let entries): return entries.flatMap { values($0, under: "\(key).", in: file) }
        }
    }
}

extension SinkOption.Destination {
    /// As a SPEC; of a URL no more than the receiver, since its path may be a secret.
    fileprivate var shown: String {
        switch self {
        case .stdout: return SinkKind.stdout.rawValue
        case .file(let settings): return "file:\(settings.path)"
        case .webhook(let settings):
            guard let endpoint = try? Endpoint(settings.url) else { return "…" }
            return endpoint.target == "/" ? "\(endpoint.shown)/" : "\(endpoint.shown)/…"
        }
    }
}

/// A URL of which no more is shown than the place: its path and query may hold a token.
private func withoutPath(_ url: String) -> String {
    let shown = withoutUser(url)
    guard let scheme = shown.firstRange(of: "://") else { return "…" }
    let place = shown[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    let rest = shown[place.endIndex...]
    return String(shown[..<place.endIndex]) + (rest.isEmpty || rest == "/" ? String(rest) : "/…")
}

/// A text in which the user part of a URL is hidden: it may hold a password.
private func withoutUser(_ text: String) -> String {
    guard let scheme = text.firstRange(of: "://") else { return text }
    let rest = text[scheme.upperBound...]
    guard let at = rest.prefix(while: { $0 != "/" && $0 != "?" && $0 != "#" }).lastIndex(of: "@") else { return text }
    return text[..<scheme.upperBound] + "…" + rest[at...]
}
