import Glibc
import Logging
import WallClock

/// Makes log lines of what is logged, and hands each to stderr's output.
package struct RelayLogHandler: LogHandler {
    /// The threshold's, until a logger is given one of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? threshold.level }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    /// Of this handler and of all its copies.
    package let threshold: LogThreshold
    private var ownLevel: Logger.Level?
    private let format: LogLineFormat
    private let withPriority: Bool
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - withPriority: lines begin with journald's priority prefix; see ``stderrIsJournal(_:)``.
    ///   - write: where a line goes, with its end; stderr unless told otherwise.
    package init(
        level: Logger.Level, format: LogLineFormat, withPriority: Bool,
        write: @escaping @Sendable (String) -> Void = RelayLogHandler.writeToStderr
    ) {
        threshold = LogThreshold(level)
        self.format = format
        self.withPriority = withPriority
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let given = event.metadata { merged.merge(given) { $1 } }
        let line = LogLine(
            time: WallClock.milliseconds, level: event.level, message: event.message.description, metadata: merged)
        write(line.rendered(as: format, withPriority: withPriority))
    }

    /// Whether stderr is the journal's own stream: `JOURNAL_STREAM` holds device and inode of it, systemd.exec(5).
    /// The variable alone proves nothing, since children inherit it whose stderr goes elsewhere.
    package static func stderrIsJournal(_ environment: [String: String]) -> Bool {
        guard let stream = environment["JOURNAL_STREAM"] else { return false }
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return false }
        return stream == "\(status.st_dev):\(status.st_ino)"
    }

    /// Hands a line with its end to standard error; it never waits, see ``LogOutput``.
    package static func writeToStderr(_ line: String) {
        LogOutput.standardError.write(line)
    }

    /// The line that says that lines of the log were lost, in this handler's format.
    package func lossNotice(_ lost: Int) -> String {
        let keys: Logger.Metadata = [
            LogKey.event: "\(LogEventName.logDropped.rawValue)", LogKey.count: .stringConvertible(lost),
        ]
        return LogLine(time: WallClock.milliseconds, level: .warning, message: lostLines(lost), metadata: keys)
            .rendered(as: format, withPriority: withPriority)
    }
}
