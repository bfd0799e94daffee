import ArgumentParser
import Libpq
import RelayConfiguration
import RelayObservability

/// `outbox-relay config`: what the configuration comes to.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show what the configuration comes to.", subcommands: [ConfigShowCommand.self])
}

/// `outbox-relay config show`: each option's effective value, and which layer it came from.
struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show each option's effective value and where it comes from.",
        discussion: """
            It takes the options of run. Passwords, the values of headers, and paths of URLs are not shown; files that hold \
            secrets are named and not read.
            """)

    @OptionGroup var options: RunOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let layers = options.configurationSource.layers()
        let found = FoundProblems()
        let resolution = Resolution(layers, noting: found)
        let target = resolution.target(noting: found)
        try found.check()
        for warning in layers.warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        let effective = EffectiveConfiguration(resolution, database: target.masked)
        let output = TerminalOutput.standardOutput
        print(
            json
                ? effective.json.text
                : effective.lines.map { $0.text(colours: output.hasColours) }.joined(separator: "\n"))
    }
}

extension EffectiveConfiguration {
    fileprivate var json: JSONText {
        .object([
            ("config", .string(or: file)),
            (
                "options",
                .object(
                    options.map { ($0.key.rawValue, .object([("value", .string(or: $0.value))] + $0.origin.members)) })
            ),
            ("sinks", .array(sinks.map(\.json))),
        ])
    }
}

extension EffectiveConfiguration.Origin {
    fileprivate var members: [(String, JSONText)] {
        [("layer", .string(layer.rawValue)), ("place", .string(or: place))]
    }
}

extension EffectiveConfiguration.Sink {
    fileprivate var json: JSONText {
        let keys = values.map { value -> (String, JSONText) in
            let text: JSONText =
                switch value.text {
                case .one(let text): .string(text)
                case .list(let texts): .array(texts.map { .string($0) })
                }
            return (value.key, .object([("value", text)] + value.origin.members))
        }
        return .object([("name", .string(name))] + origin.members + [("keys", .object(keys))])
    }
}
