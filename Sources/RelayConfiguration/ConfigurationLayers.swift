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

extension ConfigurationLayers {
    /// Every setting of an option, the one that counts first.
    func settings(of key: OptionKey) -> [Setting] {
        let flag = flags[key].map { Setting(text: $0, layer: .flags, place: key.flag) }
        let variable = environment[key.variable].map { Setting(text: $0, layer: .environment, place: key.variable) }
        return [flag, variable, file?.values[key]].compactMap(\.self)
    }
}
