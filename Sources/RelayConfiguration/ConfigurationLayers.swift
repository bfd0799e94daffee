private import Configuration

/// The three places where an option may be given. A flag beats the environment, the environment beats the file.
package struct ConfigurationLayers: Sendable {
    /// What the command line gave, as it was written.
    package var flags: [OptionKey: String]
    /// Every `--sink` of the command line, in order.
    package var sinkFlags: [String]
    /// The process's environment; variables of others are ignored, empty ones are unset.
    package var environment: [String: String]
    /// The file, if one was named.
    package var file: ConfigurationFile?

    package init(
        flags: [OptionKey: String] = [:], sinkFlags: [String] = [], environment: [String: String] = [:],
        file: ConfigurationFile? = nil
    ) {
        self.flags = flags
        self.sinkFlags = sinkFlags
        self.environment = environment.filter { $0.key.hasPrefix(environmentPrefix) && !$0.value.isEmpty }
        self.file = file
    }

    /// One sentence for each variable that begins with `OUTBOX_RELAY_` and means nothing to this version.
    package var warnings: [String] {
        let known = Set(OptionKey.allCases.map(\.variable) + [OtherVariable.sink, OtherVariable.config])
        return environment.keys.filter { !known.contains($0) }.sorted().map {
            "the environment variable \(shown($0)) is unknown to this version and is ignored"
        }
    }

    /// Where the file is: `--config`, else `OUTBOX_RELAY_CONFIG`, else there is none.
    package static func filePath(flag: String?, environment: [String: String]) -> String? {
        if let flag { return flag }
        return environment[OtherVariable.config].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// A value as it is given somewhere, and where.
struct Setting: Hashable {
    enum Layer: Int { case flags, environment, file }
    var text: String
    var layer: Layer
    /// How errors name the place: the flag, the variable, or file, line and key.
    var place: String

    /// The problem of this value; where it is given decides what kind it is.
    func problem(_ sentence: String) -> ConfigurationProblem {
        let message = "\(place): \(sentence)"
        return layer == .flags ? .usage(message) : .configuration(message)
    }
}

/// Looks options up in the layers, each a provider of swift-configuration.
struct SettingReader {
    private let layers: ConfigurationLayers
    private let providers: [(Setting.Layer, any ConfigProvider)]

    init(_ layers: ConfigurationLayers) {
        func values(_ texts: [OptionKey: String]) -> [AbsoluteConfigKey: ConfigValue] {
            Dictionary(
                uniqueKeysWithValues: texts.map {
                    (AbsoluteConfigKey(path($0)), ConfigValue(.string($1), isSecret: $0 == .database))
                })
        }
        self.layers = layers
        providers = [
            (.flags, InMemoryProvider(name: "command line", values: values(layers.flags))),
            (.environment, EnvironmentVariablesProvider(environmentVariables: layers.environment)),
            (.file, InMemoryProvider(name: "file", values: values(layers.file?.values.mapValues(\.text) ?? [:]))),
        ]
    }

    /// Every setting of an option, the one that counts first.
    func settings(of key: OptionKey) -> [Setting] {
        providers.compactMap { layer, provider in
            let found = try? provider.value(forKey: AbsoluteConfigKey(path(key)), type: .string).value
            guard case .string(let text)? = found?.content else { return nil }
            return Setting(text: text, layer: layer, place: place(of: key, in: layer))
        }
    }

    private func place(of key: OptionKey, in layer: Setting.Layer) -> String {
        switch layer {
        case .flags: key.flag
        case .environment: key.variable
        case .file: layers.file?.values[key]?.place ?? key.rawValue
        }
    }
}

/// An option's path in swift-configuration; the environment provider makes `OUTBOX_RELAY_POLL_INTERVAL` of it.
private func path(_ key: OptionKey) -> [String] {
    ["outbox", "relay", key.rawValue]
}
