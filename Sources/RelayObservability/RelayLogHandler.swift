import Glibc
import Logging

/// Writes log lines to stderr, each in one write.
package struct RelayLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
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
        logLevel = level
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
            time: Self.now(), level: event.level, message: event.message.description, metadata: merged)
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

    /// Writes all of a line; what cannot be written is lost, since there is nowhere to say so.
    package static func writeToStderr(_ line: String) {
        var line = line
        line.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
                if written > 0 {
                    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
                } else if errno == EAGAIN {
                    var descriptor = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                    if poll(&descriptor, 1, 1000) <= 0 { return }
                } else if errno != EINTR {
                    return
                }
            }
        }
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
