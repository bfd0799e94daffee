import Synchronization
import WallClock

/// How far this process has come with each of its sinks: how much it has delivered, and when it last did.
package final class DeliveryProgress: Sendable {
    /// Of one sink, at one moment.
    package struct Reading: Sendable, Hashable {
        /// Events that the sink took from this process.
        package var delivered: Int64
        /// Milliseconds since the Unix epoch: when it last took one; before that, since when it is served.
        package var lastAt: Int64

        package init(delivered: Int64, lastAt: Int64) {
            self.delivered = delivered
            self.lastAt = lastAt
        }
    }

    /// Of one sink, for as long as it is served.
    package final class OfSink: Sendable {
        private let delivered = Atomic<Int64>(0)
        private let lastAt: Atomic<Int64>

        fileprivate init(since: Int64) {
            lastAt = Atomic(since)
        }

        /// The sink took events.
        func deliver(_ count: Int, at milliseconds: Int64) {
            delivered.add(Int64(count), ordering: .relaxed)
            lastAt.store(milliseconds, ordering: .relaxed)
        }

        fileprivate var reading: Reading {
            Reading(delivered: delivered.load(ordering: .relaxed), lastAt: lastAt.load(ordering: .relaxed))
        }
    }

    private let sinks = Mutex<[String: OfSink]>([:])

    package init() {}

    /// Of a sink, which is served from now on if it was not; a sink that is made anew under its name goes on.
    package func of(_ sink: String) -> OfSink {
        sinks.withLock { sinks in
            if let known = sinks[sink] { return known }
            let new = OfSink(since: WallClock.milliseconds)
            sinks[sink] = new
            return new
        }
    }

    /// Forgets the sinks that are served no more.
    ///
    /// - Parameter names: of those that are.
    package func keep(_ names: Set<String>) {
        sinks.withLock { sinks in sinks = sinks.filter { names.contains($0.key) } }
    }

    /// Of every sink that is served.
    package var readings: [String: Reading] {
        sinks.withLock { $0.mapValues(\.reading) }
    }
}
