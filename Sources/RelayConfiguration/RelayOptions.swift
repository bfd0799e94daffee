/// Everything `run` needs to know, validated; the only form in which configuration leaves this module.
package struct RelayOptions: Sendable, Hashable {
    /// Where new rows are first seen.
    package enum Mode: String, CaseIterable, Sendable {
        /// The table alone, by claims.
        case poll
        /// A temporary replication slot as the tail, the table as the truth.
        case wal
    }

    /// In which order events leave.
    package enum Order: String, CaseIterable, Sendable {
        /// Ascending by id: one leader, cursors, hot standbys.
        case id
        /// Any order: competing relays share the load. Poll mode and one sink only.
        case none
    }

    /// The least severe message that is logged; the names are those of swift-log.
    package enum LogLevel: String, CaseIterable, Sendable {
        case trace, debug, info, notice, warning, error, critical
    }

    /// How a log line looks.
    package enum LogFormat: String, CaseIterable, Sendable {
        case text, json
    }

    package var mode = Mode.poll
    /// A conninfo string or URI as libpq reads it; empty means libpq's own defaults (`PGHOST`, `PGSERVICE`, …).
    package var database = ""
    /// At least one; no two of one name.
    package var sinks = [SinkOption(name: "stdout", spec: .stdout)]
    package var order = Order.id
    /// CloudEvents `source`, a URI reference.
    package var source = "/outbox"
    /// Silence after which a leader loses its lock: 500 ms to 5 min.
    package var leaderTimeout = Duration.seconds(2)
    /// Bytes of WAL that the temporary slot may hold back beside a long transaction: 1 MiB to 16 TiB.
    package var maxSlotWAL = 1 << 30
    /// Events of one claim or read: 1 to 100,000.
    package var batchSize = 1000
    /// Events handed to a sink and not yet settled, which is what a crash may repeat: 1 to 1,000,000.
    package var window = 1000
    /// The longest pause between two looks at an idle table: 1 ms to 1 h.
    package var pollInterval = Duration.milliseconds(100)
    /// How long a claim may be held: 100 ms to 10 min.
    package var claimTimeout = Duration.seconds(5)
    /// Bytes of all buffered events together: 1 MiB to 16 TiB.
    package var memory = 64 << 20
    /// Exit once all that was committed is delivered and settled.
    package var untilDrained = false
    package var logLevel = LogLevel.info
    package var logFormat = LogFormat.text
    /// How long a signal waits for what is in flight: 0 to 1 h.
    package var shutdownTimeout = Duration.seconds(10)
    /// Where metrics, health, status and the page for people are served; nil: nowhere.
    package var listen: ListenAddress?
    /// The URL of the collector that spans go to by OTLP over HTTP; nil: what OpenTelemetry's variables say.
    package var otlp: String?
    /// How long rows are kept after they were published: 1 min to 3,650 days; nil: for ever.
    package var keepPublished: Duration?

    /// The defaults.
    package init() {}
}
