import Libpq
import RelayConfiguration

extension FuzzTarget {
    /// A conninfo or URI. Nothing that is printed holds a password that was given.
    static let connection = FuzzTarget("connection", longest: 1024) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        guard let target = try? ConnectionTarget(parsing: text) else { return }
        let shown = "\(target)"
        for secret in target.secrets where secret.utf8.count >= 8 && !target.publicValues.contains(secret) {
            try promise(!shown.contains(secret), "the description shows a secret")
        }
        _ = target["connect_timeout"]
    }

    /// A configuration file, through to the options.
    static let configuration = FuzzTarget("configuration") { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        do throws(ConfigurationProblem) {
            let file = try ConfigurationFile(yaml: text, path: "relay.yaml")
            _ = try RelayOptions(resolving: ConfigurationLayers(file: file))
        } catch {
            try expectSentence(error)
        }
    }

    /// Options as flags and as variables: an option's number, then its text.
    static let option = FuzzTarget("option", longest: 1024) { input throws(BrokenPromise) in
        var parts = InputParts(input)
        var flags: [OptionKey: String] = [:]
        var sinks: [String] = []
        while !parts.isEmpty {
            let part = parts.next()
            let text = String(decoding: part.dropFirst(), as: UTF8.self)
            let key = Int(part.first ?? 0) % (OptionKey.allCases.count + 1)
            if key < OptionKey.allCases.count { flags[OptionKey.allCases[key]] = text } else { sinks.append(text) }
        }
        let variables = flags.map { ($0.key.variable, $0.value) } + [(OtherVariable.sink, sinks.joined(separator: " "))]
        let environment = Dictionary(variables) { first, _ in first }
        for layers in [
            ConfigurationLayers(flags: flags, sinkFlags: sinks), ConfigurationLayers(environment: environment),
        ] {
            let options: RelayOptions
            do throws(ConfigurationProblem) {
                options = try RelayOptions(resolving: layers)
            } catch {
                try expectSentence(error)
                continue
            }
            try promise(!options.sinks.isEmpty && options.window >= 1, "options that were checked are out of range")
        }
    }

    /// Durations and sizes: what is read is written back as the same.
    static let quantity = FuzzTarget("quantity", longest: 64) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        if let duration = Duration(configured: text) {
            try promise(Duration(configured: duration.configured) == duration, "\(text) is \(duration.configured)")
        }
        if let bytes = ByteCount.parse(text) {
            try promise(ByteCount.parse(ByteCount.text(bytes)) == bytes, "\(text) is \(ByteCount.text(bytes))")
        }
    }

    private static func expectSentence(_ problem: ConfigurationProblem) throws(BrokenPromise) {
        try promise([64, 78].contains(problem.exitCode), "the exit code \(problem.exitCode)")
        try promise(!problem.message.contains { $0.isNewline }, "a message of several lines: \(problem.message)")
    }
}

extension ConnectionTarget {
    /// What a secret may be by chance as well.
    fileprivate var publicValues: [String] {
        ["host", "hostaddr", "port", "dbname", "user", "application_name", "sslmode", "service"].compactMap { self[$0] }
    }
}
