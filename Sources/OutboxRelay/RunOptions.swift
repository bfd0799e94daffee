import ArgumentParser
import RelayConfiguration

/// The options of `run`, as text: what they mean is said by the configuration, in one place for flags, environment and
/// file.
struct RunOptions: ParsableArguments {
    @OptionGroup var database: DatabaseOptions

    @Option(
        help: ArgumentHelp("How new rows are found: poll or wal. (default: poll)", valueName: "mode"),
        completion: .list(["poll", "wal"]))
    var mode: String?

    @Option(
        help: ArgumentHelp(
            "Where events go: stdout, file:PATH, http://… or https://…; NAME=SPEC names it. (default: stdout)",
            valueName: "spec"),
        completion: .list(["stdout", "file:", "http://", "https://"]))
    var sink: [String] = []

    @Option(
        help: ArgumentHelp(
            "Deliver by id, or none: several relays share the work, unordered. (default: id)", valueName: "order"),
        completion: .list(["id", "none"]))
    var order: String?

    @Option(help: ArgumentHelp("CloudEvents source. (default: /outbox)", valueName: "uri"))
    var source: String?

    @Option(
        help: ArgumentHelp(
            "Silence after which another relay takes over from the leader. (default: 2s)", valueName: "duration"))
    var leaderTimeout: String?

    @Option(
        name: .customLong("max-slot-wal"),
        help: ArgumentHelp("WAL the slot may retain during a long transaction. (default: 1GiB)", valueName: "size"))
    var maxSlotWAL: String?

    @Option(help: ArgumentHelp("Events per claim or read. (default: 1000)", valueName: "events"))
    var batchSize: String?

    @Option(
        help: ArgumentHelp("Events in flight per sink: what a crash may repeat. (default: 1000)", valueName: "events"))
    var window: String?

    @Option(help: ArgumentHelp("Pause between polls of an idle table. (default: 100ms)", valueName: "duration"))
    var pollInterval: String?

    @Option(
        help: ArgumentHelp("With --order none: how long a claim may stay open. (default: 5s)", valueName: "duration"))
    var claimTimeout: String?

    @Option(help: ArgumentHelp("Memory for all buffered events together. (default: 64MiB)", valueName: "size"))
    var memory: String?

    @Flag(help: "Exit once every committed event is delivered or parked, and that is recorded.")
    var untilDrained = false

    @Option(
        help: ArgumentHelp(
            "Lowest level: trace, debug, info, notice, warning, error or critical. (default: info)",
            valueName: "level"),
        completion: .list(["trace", "debug", "info", "notice", "warning", "error", "critical"]))
    var logLevel: String?

    @Option(
        help: ArgumentHelp("Format of the log on stderr: text or json. (default: text)", valueName: "format"),
        completion: .list(["text", "json"]))
    var logFormat: String?

    @Option(help: ArgumentHelp("Time to finish events in flight after a signal. (default: 10s)", valueName: "duration"))
    var shutdownTimeout: String?

    @Option(
        help: ArgumentHelp(
            "Where to serve metrics, health, status and a page for people, as HOST:PORT. (default: nowhere)",
            valueName: "address"),
        completion: .list(["127.0.0.1:9187"]))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "Collector that traces go to, by OTLP over HTTP. (default: OTEL_EXPORTER_OTLP_ENDPOINT, else none)",
            valueName: "url"))
    var otlp: String?

    @Option(
        help: ArgumentHelp(
            "How long published rows are kept, from 1m to 3650d. (default: for ever)", valueName: "duration"))
    var keepPublished: String?

    /// The one validated value, and what to warn of.
    func resolve() throws -> (RelayOptions, warnings: [String]) {
        let layers = configurationSource.layers()
        return (try RelayOptions(resolving: layers), layers.warnings)
    }

    /// Where the configuration is read from.
    var configurationSource: ConfigurationSource {
        database.source(
            [
                .database: database.database, .mode: mode, .order: order, .source: source,
                .leaderTimeout: leaderTimeout, .maxSlotWAL: maxSlotWAL, .batchSize: batchSize, .window: window,
                .pollInterval: pollInterval, .claimTimeout: claimTimeout, .memory: memory,
                .untilDrained: untilDrained ? "true" : nil, .logLevel: logLevel, .logFormat: logFormat,
                .shutdownTimeout: shutdownTimeout, .listen: listen, .otlp: otlp, .keepPublished: keepPublished,
            ],
            sinks: sink)
    }
}
