import Foundation
import Synchronization

/// One line of the relay's log.
package struct LogEntry: Sendable, CustomStringConvertible {
    package let text: String
    /// The members of a JSON log line, each as text; empty where the line is none.
    package let fields: [String: String]

    init(_ line: String) {
        text = line
        let object = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
        fields = (object ?? [:]).mapValues { value in "\(value)" }
    }

    package var event: String? { fields["event"] }
    package var level: String? { fields["level"] }
    package var description: String { text }
}

/// What a relay wrote to its standard error so far.
package final class RelayLog: Sendable {
    private let lines = Mutex<[LogEntry]>([])

    init() {}

    package var entries: [LogEntry] { lines.withLock { $0 } }
    package var text: String { entries.map(\.text).joined(separator: "\n") }

    /// The entries of one kind.
    package func entries(of event: String) -> [LogEntry] { entries.filter { $0.event == event } }

    func accept(_ line: ArraySlice<UInt8>) {
        let entry = LogEntry(String(decoding: line, as: UTF8.self))
        lines.withLock { $0.append(entry) }
    }
}
