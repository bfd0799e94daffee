import PostgresOutbox
import RelayObservability
import RelaySight
import Synchronization

/// Both clocks of a ``Sight``, which a test moves on.
final class TestClock: Sendable {
    private let milliseconds = Atomic<Int64>(1_795_213_000_000)

    var clock: SightClock {
        SightClock(
            monotonic: { self.milliseconds.load(ordering: .relaxed) },
            wall: { self.milliseconds.load(ordering: .relaxed) })
    }

    func advance(seconds: Int64) { milliseconds.add(seconds * 1000, ordering: .relaxed) }
}

extension SightReading {
    /// Of an outbox with these sinks, led by somebody.
    static func of(_ sinks: [RelayStatus.Sink], unpublished: Int64 = 0, held: [String: Int64] = [:]) -> SightReading {
        var status = RelayStatus()
        status.leader = RelayStatus.Leader(
            pid: 4711, applicationName: "outbox-relay leader", host: "a", since: "2026-11-20T22:16:30.213327Z")
        status.mode = "poll"
        status.unpublished = unpublished
        status.sinks = sinks
        return SightReading(outbox: "public.outbox", status: status, heldByUnconfigured: held)
    }
}

extension RelayStatus.Sink {
    /// A configured one that lacks so many events.
    static func lacking(_ events: Int64?, name: String = "hook", through: Int64 = 0) -> RelayStatus.Sink {
        RelayStatus.Sink(
            name: name, deliveredThrough: through, lagEvents: events, lagSeconds: events.map { Double($0) }, parked: 0,
            state: "live")
    }
}
