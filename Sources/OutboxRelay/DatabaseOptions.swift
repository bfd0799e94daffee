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

    @Option(
        help: ArgumentHelp("YAML file with the options of run.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    /// The validated configuration, with these flags over environment and file; warnings go to stderr.
    func resolved() throws -> RelayOptions {
        let (options, warnings) = try resolve([.database: database], sinks: [])
        for warning in warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        return options
    }

    /// The same with more flags, and the warnings instead of their printing.
    func resolve(_ flags: [OptionKey: String?], sinks: [String]) throws -> (RelayOptions, warnings: [String]) {
        let layers = source(flags, sinks: sinks).layers()
        return (try RelayOptions(resolving: layers), layers.warnings)
    }

    /// Where the configuration is read from.
    func source(_ flags: [OptionKey: String?], sinks: [String]) -> ConfigurationSource {
        ConfigurationSource(
            flags: flags.compactMapValues(\.self), sinkFlags: sinks, configFlag: config,
            environment: ProcessInfo.processInfo.environment)
    }

    /// A connector to the configured database.
    func connector() throws -> AdministrationConnector {
        AdministrationConnector(try ConnectionTarget(parsing: try resolved().database))
    }
}
