import CMalloc
import DedicatedThreads
import Foundation
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayCore
import RelayRuntime
import RelayTracing
import Tracing

/// A relay of either order.
protocol StoppableRelay: Sendable {
    func run() async -> RelayExit
    func stop() async
    /// Answers once the relay has a turn: nothing holds up what it runs on.
    func isAlive() async -> Bool
    /// Of the events that it holds in memory.
    nonisolated var buffered: BufferedBytes { get }
}

extension Relay: StoppableRelay {
    func isAlive() async -> Bool { true }
}

extension CompetingRelay: StoppableRelay {
    func isAlive() async -> Bool { true }
}

/// Puts the relay together from its options.
func makeRelay(
    _ options: RelayOptions, _ target: ConnectionTarget, _ composition: SinkComposition, on loop: DedicatedThread?,
    tracer: (any Tracer)?, report: @escaping @Sendable (RelayReport) -> Void
) -> any StoppableRelay {
    let settings = relaySettings(options, composition.lanes)
    let outbox = postgresSettings(options, target, on: loop)
    let clock = BootClock(on: loop)
    // The options hold exactly one sink then.
    guard options.order == .none, let sink = composition.sinks.first else {
        let database = PostgresDatabase(outbox)
        return Relay(
            settings: settings, database: tracer.map { TracedDatabase(database, by: $0) } ?? database,
            sinks: composition.sinks, clock: clock,
            report: report)
    }
    let competition = PostgresCompetition(outbox, claimTimeout: options.claimTimeout)
    return CompetingRelay(
        settings: settings, claimTimeout: options.claimTimeout.milliseconds,
        outbox: tracer.map { TracedCompetition(competition, by: $0) } ?? competition, sink: sink, clock: clock,
        report: report)
}

private func relaySettings(_ options: RelayOptions, _ lanes: [String: LanePolicy]) -> RelaySettings {
    var policy = RelayPolicy()
    policy.usesStream = options.mode == .wal
    policy.batchSize = options.batchSize
    policy.window = options.window
    policy.memory = options.memory
    policy.pollInterval = options.pollInterval.milliseconds
    policy.untilDrained = options.untilDrained
    return RelaySettings(
        policy: policy, lanes: lanes, leaderTimeout: options.leaderTimeout.milliseconds,
        shutdownTimeout: max(1, options.shutdownTimeout.milliseconds), modeName: options.mode.rawValue,
        seed: UInt64.random(in: .min ... .max), keepPublished: options.keepPublished?.milliseconds)
}

private func postgresSettings(
    _ options: RelayOptions, _ target: ConnectionTarget, on loop: DedicatedThread?
) -> PostgresSettings {
    PostgresSettings(
        target: target, source: options.source, leaderTimeout: options.leaderTimeout,
        configuredSinks: options.sinks.map(\.name),
        parkingByKey: options.sinks.filter { $0.lane.onReject == .parkKey }.map(\.name), memory: options.memory,
        maxSlotWAL: options.maxSlotWAL, host: ProcessInfo.processInfo.hostName, untilDrained: options.untilDrained,
        purges: options.keepPublished != nil, reachWithin: options.untilDrained ? reachLimit(target) : nil, thread: loop
    )
}

/// `connect_timeout` of the conninfo, or ten seconds.
private func reachLimit(_ target: ConnectionTarget) -> Duration {
    target["connect_timeout"].flatMap(Int64.init).map { .seconds(max($0, 2)) } ?? .seconds(10)
}

/// Large batches go back to the system as soon as they are freed, whatever sizes came before: glibc otherwise raises its
/// threshold with every large block and keeps what it freed (mallopt(3)).
func limitFragmentation() {
    _ = mallopt(M_MMAP_THRESHOLD, 256 << 10)
    _ = mallopt(M_TRIM_THRESHOLD, 1 << 20)
    _ = mallopt(M_ARENA_MAX, 2)
}
