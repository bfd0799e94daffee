import Logging

/// What a log line tells of: the value of its `event` key. The names are a promise to those who read the log by
/// program; the comments name the keys that go with them.
package enum LogEventName: String, Sendable, CaseIterable {
    /// Where the relay goes on and how much may come again: `sink`, `delivered_through`.
    case resuming
    /// This relay holds the lock: `epoch`.
    case leading
    /// Another relay leads; this one waits: `pid` of the leader's session.
    case standby
    /// The lock was lost: `reason`.
    case deposed
    /// What is committed rings: the table is read at once.
    case streaming
    /// The table is polled: `reason`.
    case polling
    /// A row turned up at or below a place already passed: `id`, `sink`.
    case lateEvent = "late_event"
    /// An open transaction, or the lock on a row, holds the order back: `pid` or `gid`, `application_name`, `seconds`,
    /// `above_id`.
    case orderHold = "order_hold"
    /// The order is no longer held back.
    case orderReleased = "order_released"
    /// A sink or the database cannot be reached: `sink`, `reason`.
    case outage
    /// This relay shares the load with others, without order.
    case competing
    /// An outage is over: `sink`.
    case recovered
    /// A sink will never accept an event: `sink`, `id`, `reason`.
    case rejected
    /// A registered sink that this relay is not configured with holds publishing back: `sink`, and where it could be
    /// counted `rows` and `bytes`. At every start of a lead, and hourly.
    case unconfiguredSink = "unconfigured_sink"
    /// Published rows were purged by the leader: `count`, `last_id`, and `sink` where older ones wait for it. Hourly at
    /// most.
    case retention
    /// Ids are about to be issued a second time: `reason`.
    case wentBack = "went_back"
    /// Delivery, or that to one `sink`, has stopped until something is fixed: `reason`.
    case blocked
    /// A commit waits for a synchronous standby: `seconds`.
    case commitWaits = "commit_waits"
    /// Rows were delivered, and deleted by somebody before they were marked: `first_id`, `last_id`, `count`.
    case rowGone = "row_gone"
    /// Something cannot be done with one row, and the others go on: `id`, `what` (read, mark, park), `reason`.
    case rowFault = "row_fault"
    /// Everything that was committed is delivered and settled.
    case drained
    /// The process ends: `reason`.
    case stopping
    /// The relay waits for its database: `reason`.
    case waiting
    /// Metrics and status are served: `address`.
    case listening
    /// Spans were lost on the way to their collector, or it takes them again.
    case tracing
    /// Something about the configuration deserves a look.
    case configuration
    /// The configuration was read again and something of it is otherwise from now on: `added`, `removed` and `changed` name
    /// sinks, `log_level` is the new one.
    case configurationChanged = "configuration_changed"
    /// The configuration was read again and is not used, since something is wrong with it, one line for each: `reason`.
    case configurationRefused = "configuration_refused"
    /// The configuration was read again, and what changed in these `options` waits for a restart.
    case needsRestart = "needs_restart"
    /// A refusal at start or an error that ends the process.
    case failed
    /// Lines of the log itself were lost, since nobody read it: `count`.
    case logDropped = "log_dropped"
    /// All else.
    case note
}

/// The keys of log lines beside `time`, `level`, `event` and `message`. Values never hold payloads or secrets.
package enum LogKey {
    package static let event = "event"
    package static let sink = "sink"
    package static let id = "id"
    package static let reason = "reason"
    package static let what = "what"
    package static let firstID = "first_id"
    package static let lastID = "last_id"
    package static let count = "count"
    package static let rows = "rows"
    package static let bytes = "bytes"
    package static let pid = "pid"
    package static let gid = "gid"
    package static let applicationName = "application_name"
    package static let seconds = "seconds"
    package static let aboveID = "above_id"
    package static let deliveredThrough = "delivered_through"
    package static let mayRepeat = "may_repeat"
    package static let epoch = "epoch"
    package static let role = "role"
    package static let signal = "signal"
    package static let address = "address"
    package static let options = "options"
    package static let added = "added"
    package static let removed = "removed"
    package static let changed = "changed"
    package static let logLevel = "log_level"
}

extension Logger {
    /// Logs one of the named events; numbers given as `.stringConvertible` stay numbers in JSON.
    package func log(
        _ event: LogEventName, level: Logger.Level = .info, _ message: @autoclosure () -> Logger.Message,
        _ keys: @autoclosure () -> Logger.Metadata = [:]
    ) {
        guard level >= logLevel else { return }
        var metadata = keys()
        metadata[LogKey.event] = .string(event.rawValue)
        log(level: level, message(), metadata: metadata)
    }
}
