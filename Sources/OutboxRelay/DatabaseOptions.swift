import ArgumentParser
import Foundation
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayObservability

/// What every subcommand takes.
struct DatabaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Conninfo or URI of the database; libpq's own defaults without it.", valueName: "conninfo"))
    var database: String?

    @Option(help: ArgumentHelp("YAML file with the options of run.", valueName: "file"))
    var config: String?

    /// The validated configuration, with these flags over environment and file; warnings go to stderr.
    func resolved() throws -> RelayOptions {
        let (options, warnings) = try resolve([.database: database], sinks: [])
        for warning in warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        return options
    }

    /// The same with more flags, and the warnings instead of their printing.
    func resolve(_ flags: [OptionKey: String?], sinks: [String]) throws -> (RelayOptions, warnings: [String]) {
        let environment = ProcessInfo.processInfo.environment
        let path = ConfigurationLayers.filePath(flag: config, environment: environment)
        let file = try path.map { try ConfigurationFile(yaml: Self.text(of: $0), path: $0) }
        let layers = ConfigurationLayers(
            flags: flags.compactMapValues(\.self), sinkFlags: sinks, environment: environment, file: file)
        return (try RelayOptions(resolving: layers), layers.warnings)
    }

    /// A connector to the configured database.
    func connector() throws -> AdministrationConnector {
        AdministrationConnector(try ConnectionTarget(parsing: try resolved().database))
    }

    private static func text(of path: String) throws(ConfigurationProblem) -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .configuration(
                "the configuration file \(path) cannot be read; name an existing file that this user may read, "
                    + "with --config or OUTBOX_RELAY_CONFIG")
        }
        guard let text = String(data: data, encoding: .utf8) else {
            throw .configuration("the configuration file \(path) is not UTF-8; save it as UTF-8")
        }
        return text
    }
}
