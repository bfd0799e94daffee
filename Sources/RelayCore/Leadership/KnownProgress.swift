/// What this process knows to have left, and to have been settled: checked against the database at every beat.
///
/// It lives as long as the process, in whatever role. An answer is only compared with what was known before its
/// statement was sent, so the caller checks with a copy made then.
package struct KnownProgress: Hashable, Sendable {
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
    package mutating func forget() { self = KnownProgress() }

    package func timeTravel(lastValue: Int64, sinks: [String: LeaderBeat.StoredCursor]) -> TimeTravel? {
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
