/// An option that holds one value, by its key in the file; `sinks`, the list, is apart.
package enum OptionKey: String, CaseIterable, Sendable {
    case mode, database, order, source
    case leaderTimeout = "leader_timeout"
    case maxSlotWAL = "max_slot_wal"
    case batchSize = "batch_size"
    case window
    case pollInterval = "poll_interval"
    case claimTimeout = "claim_timeout"
    case memory
    case untilDrained = "until_drained"
    case logLevel = "log_level"
    case logFormat = "log_format"
    case shutdownTimeout = "shutdown_timeout"
    case listen, otlp
    case keepPublished = "keep_published"

    /// `--poll-interval`
    package var flag: String { "--" + String(rawValue.map { $0 == "_" ? "-" : $0 }) }
    /// `OUTBOX_RELAY_POLL_INTERVAL`
    package var variable: String { environmentPrefix + rawValue.uppercased() }
}

/// What the names of the relay's environment variables begin with.
let environmentPrefix = "OUTBOX_RELAY_"

/// Variables of the relay that hold no single option: SPECs separated by spaces, and where the file is.
package enum OtherVariable {
    package static let sink = environmentPrefix + "SINK"
    package static let config = environmentPrefix + "CONFIG"
}
