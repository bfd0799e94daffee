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

}

/// Where a value comes from; the lowest first.
package enum ConfigurationLayer: String, Sendable {
    case `default`, file, environment, flag
}

/// A value as it is given somewhere, and where.
struct Setting: Hashable {
    var text: String
    var layer: ConfigurationLayer
    /// How errors name the place: the flag, the variable, or file, line and key.
    var place: String
    /// Of the file.
    var line: Int?

    /// The problem of this value; where it is given decides what kind it is.
    func problem(_ sentence: String) -> ConfigurationProblem {
        let message = "\(place): \(sentence)"
        return ConfigurationProblem(
            kind: layer == .flag ? .usage : .configuration, message: message, line: line)
    }
}

extension ConfigurationLayers {
    /// Every setting of an option, the one that counts first.
    func settings(of key: OptionKey) -> [Setting] {
        let flag = flags[key].map { Setting(text: $0, layer: .flag, place: key.flag) }
        let variable = environment[key.variable].map { Setting(text: $0, layer: .environment, place: key.variable) }
        return [flag, variable, file?.values[key]].compactMap(\.self)
    }
}
