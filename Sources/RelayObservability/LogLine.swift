import Logging
import RelayCore

/// How a log line looks.
package enum LogLineFormat: Sendable {
    /// For people: time, level, event, message, then `key=value`.
    case text
    /// For programs: an object a line with `time`, `level`, `event`, `message`, then the keys by name.
    case json
}

/// One line of the log, before it is written.
package struct LogLine {
    /// Milliseconds since the Unix epoch.
    package var time: Int64
    package var level: Logger.Level
    package var message: String
    package var metadata: Logger.Metadata

    package init(time: Int64, level: Logger.Level, message: String, metadata: Logger.Metadata) {
        self.time = time
        self.level = level
        self.message = message
        self.metadata = metadata
    }

    /// The line with its end. `withPriority`: preceded by what journald takes for the priority, see sd-daemon(3).
    package func rendered(as format: LogLineFormat, withPriority: Bool) -> String {
        var keys = metadata
        let event = keys.removeValue(forKey: LogKey.event).map { "\($0)" } ?? LogEventName.note.rawValue
        let sorted = keys.sorted { $0.key < $1.key }
        var line = withPriority ? "<\(priority)>" : ""
        switch format {
        case .json:
            line += "{\"time\":\"\(rfc3339(milliseconds: time))\",\"level\":\"\(level.rawValue)\""
            line += ",\"event\":\(jsonString(event)),\"message\":\(jsonString(message))"
            for (key, value) in sorted where !["time", "level", "message"].contains(key) {
                line += ",\(jsonString(key)):\(json(value))"
            }
            line += "}"
        case .text:
            line += "\(rfc3339(milliseconds: time)) \(level.rawValue) \(event): \(oneLine(message))"
            for (key, value) in sorted { line += " \(key)=\(text(value))" }
        }
        return line + "\n"
    }

    /// syslog's severity, 0 to 7.
    private var priority: Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

/// A value as JSON: numbers and truths as such, all else as strings.
private func json(_ value: Logger.MetadataValue) -> String {
    switch value {
    case .string(let string): return jsonString(string)
    case .stringConvertible(let convertible):
        switch convertible {
        case let number as any BinaryInteger: return "\(number)"
        case let truth as Bool: return truth ? "true" : "false"
        case let number as Double where number.isFinite: return "\(number)"
        default: return jsonString(convertible.description)
        }
    case .array(let values): return "[" + values.map(json).joined(separator: ",") + "]"
    case .dictionary(let values):
        let members = values.sorted { $0.key < $1.key }.map { "\(jsonString($0.key)):\(json($0.value))" }
        return "{" + members.joined(separator: ",") + "}"
    }
}

/// A value as people read it: bare where it is one plain word, else quoted as JSON quotes.
private func text(_ value: Logger.MetadataValue) -> String {
    let plain = "\(value)"
    let isWord =
        !plain.isEmpty
        && plain.unicodeScalars.allSatisfy { $0.value > 0x20 && !(0x7F...0x9F).contains($0.value) && $0 != "\"" }
    return isWord ? plain : jsonString(plain)
}

/// A text without what would break the line or drive a terminal.
package func oneLine(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        result.append(scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) ? " " : scalar)
    }
    return String(result)
}

/// `2026-11-20T22:16:30.213Z`, RFC 3339 in UTC, of milliseconds since the Unix epoch.
package func rfc3339(milliseconds: Int64) -> String {
    func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let day = (milliseconds >= 0 ? milliseconds : milliseconds - 86_399_999) / 86_400_000
    let rest = milliseconds - day * 86_400_000
    let date = CivilDate(daysSince1970: day)
    return padded(date.year, 4) + "-" + padded(date.month, 2) + "-" + padded(date.day, 2)
        + "T" + padded(rest / 3_600_000, 2) + ":" + padded(rest / 60_000 % 60, 2)
        + ":" + padded(rest / 1000 % 60, 2) + "." + padded(rest % 1000, 3) + "Z"
}
