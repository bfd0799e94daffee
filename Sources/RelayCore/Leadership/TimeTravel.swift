/// The database went back: ids that left are about to be issued a second time, or have been.
package enum TimeTravel: Error, Hashable, Sendable {
    /// The sequence is below an id that was handed to a sink.
    case sequenceBehind(lastValue: Int64, handed: Int64)
    /// A stored cursor is below what this process saw acknowledged, in the same generation.
    case cursorBehind(sink: String, generation: Int64, stored: Int64, acknowledged: Int64)
    /// A row that was delivered and not settled is missing, or is another one.
    case rowChanged(id: Int64)

    /// One sentence: what happened, and how to fix it.
    package var reason: String {
        switch self {
        case .sequenceBehind(let lastValue, let handed):
            "the database went back: the sequence outbox_id_seq stands at \(lastValue), below id \(handed), which has left"
                + " already; restart the sequence above \(handed), then run outbox-relay resume"
        case .cursorBehind(let sink, _, let stored, let acknowledged):
            "the database went back: the cursor of sink \(sink) stands at \(stored), below \(acknowledged), which was"
                + " settled already; restart the sequence outbox_id_seq above \(acknowledged) or move the sink, then run"
                + " outbox-relay resume"
        case .rowChanged(let id):
            "the database went back: event \(id), which has left already, is missing or is another one; restart the"
                + " sequence outbox_id_seq above \(id), then run outbox-relay resume"
        }
    }
}

/// What this process knows to have left, and to have been settled: judged against the database at every beat.
///
/// It lives as long as the process, in whatever role. An answer is only compared with what was known before its
/// statement was sent, so the caller judges with a copy made then.
package struct ProcessMemory: Hashable, Sendable {
    /// The highest id that was handed to a sink.
    package private(set) var highestHanded: Int64 = 0
    /// Each sink's cursor as a settlement acknowledged it.
    package private(set) var acknowledged: [String: LeaderBeat.StoredCursor] = [:]

    package init() {}

    package mutating func handed(_ id: Int64) {
        highestHanded = max(highestHanded, id)
    }

    package mutating func settled(_ sinks: [SinkRegistration]) {
        for sink in sinks where sink.isFixed {
            acknowledged[sink.name] = .init(generation: sink.generation, cursor: sink.cursor)
        }
    }

    /// A stop was lifted by an administrator: what is below counts anew.
    package mutating func forget() { self = ProcessMemory() }

    package func judge(lastValue: Int64, sinks: [String: LeaderBeat.StoredCursor]) -> TimeTravel? {
        if lastValue < highestHanded { return .sequenceBehind(lastValue: lastValue, handed: highestHanded) }
        for (name, known) in acknowledged.sorted(by: { $0.key < $1.key }) {
            guard let stored = sinks[name], stored.generation == known.generation else { continue }
            if stored.cursor < known.cursor {
                return .cursorBehind(
                    sink: name, generation: known.generation, stored: stored.cursor, acknowledged: known.cursor)
            }
        }
        return nil
    }
}
