import RelayCore
import Synchronization

/// How far `--until-drained` is, told by what the sinks take. What is counted are deliveries, one for each sink; the
/// percentage is that of the ids, of the sink that is furthest behind.
final class DrainProgress: Sendable {
    private struct Way {
        /// Where the sink resumed.
        var after: Int64?
        /// The last id that had been issued when it was opened.
        var through: Int64?
        var reached: Int64?

        /// The part of its ids that is done; nil before both ends are known.
        var fraction: Double? {
            guard let after, let through, through > after else { return nil }
            // The distance of two ids need not fit into an integer.
            let (first, last) = (Double(after), Double(through))
            return min(1, max(0, (Double(reached ?? after) - first) / (last - first)))
        }
    }

    private struct State {
        var ways: [String: Way] = [:]
        var count: Int64 = 0
    }

    private let line: ProgressLine
    private let state = Mutex(State())

    init(on line: ProgressLine) { self.line = line }

    /// A sink resumes behind an event.
    func resumes(_ sink: String, after id: Int64) { state.withLock { $0.ways[sink, default: Way()].after = id } }

    /// Other sinks are served from now on.
    func keep(_ sinks: [String]) { state.withLock { $0.ways = $0.ways.filter { sinks.contains($0.key) } } }

    /// The sink, listened to.
    func watch(_ sink: any Sink) -> any Sink {
        let name = sink.name
        return WatchedSink(sink) { position in
            self.state.withLock { $0.ways[name, default: Way()].through = position.lastValue }
        } heard: { count, lastID in
            self.took(count, through: lastID, name)
        }
    }

    private func took(_ count: Int, through id: Int64, _ sink: String) {
        let (all, fraction) = state.withLock { state in
            state.count += Int64(count)
            state.ways[sink, default: Way()].reached = id
            return (state.count, state.ways.values.compactMap(\.fraction).min())
        }
        line.advance(to: all, fraction: fraction)
    }
}
