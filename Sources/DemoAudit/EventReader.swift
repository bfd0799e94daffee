import Glibc

/// One event as it stood on a line, and when it was read.
struct ReadEvent: Equatable {
    /// The outbox id.
    let id: Int64
    /// `created_at` and the time of reading, in microseconds since 1970.
    let created: Int64
    let read: Int64
}

/// Reads JSON lines from stdin, and passes them on to stdout.
struct EventReader {
    /// Calls `body` with every event, until stdin ends. What is no event is shown and otherwise passed over.
    func readToEnd(_ body: (ReadEvent) -> Void) {
        // A terminal that is closed must not end the audit.
        signal(SIGPIPE, SIG_IGN)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var pending: [UInt8] = []
        while true {
            let count = buffer.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }
            let now = Self.now()
            show(Array(buffer[..<count]))
            pending += buffer[..<count]
            var start = pending.startIndex
            while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
                if let event = Self.event(String(decoding: pending[start..<end], as: UTF8.self), read: now) {
                    body(event)
                }
                start = end + 1
            }
            pending.removeFirst(start)
        }
    }

    /// The `id` and `time` members: the first of their names, since inside a string their quotes would be escaped.
    static func event(_ line: String, read: Int64) -> ReadEvent? {
        guard let id = member("id", of: line).flatMap({ Int64($0) }),
            let created = member("time", of: line).flatMap(microseconds)
        else { return nil }
        return ReadEvent(id: id, created: created, read: read)
    }

    private static func member(_ name: String, of line: String) -> Substring? {
        guard let start = line.firstRange(of: ",\"\(name)\":\"")?.upperBound else { return nil }
        return line[start...].prefix { $0 != "\"" }
    }

    /// Reads `2026-11-20T22:16:30.213327Z`.
    static func microseconds(_ time: Substring) -> Int64? {
        let fields = time.split { !$0.isWholeNumber }.compactMap { Int64($0) }
        guard fields.count == 7, time.utf8.count == 27 else { return nil }
        var calendar = tm()
        calendar.tm_year = Int32(fields[0] - 1900)
        calendar.tm_mon = Int32(fields[1] - 1)
        calendar.tm_mday = Int32(fields[2])
        calendar.tm_hour = Int32(fields[3])
        calendar.tm_min = Int32(fields[4])
        calendar.tm_sec = Int32(fields[5])
        return Int64(timegm(&calendar)) * 1_000_000 + fields[6]
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
