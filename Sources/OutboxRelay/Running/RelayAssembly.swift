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

/// Puts the relays of this process together, one after the other, each from its options. The database is one for all of
/// them: what this process has begun with, it goes on with.
struct RelayAssembly: Sendable {
    private enum Outbox: Sendable {
        case ordered(PostgresDatabase)
        case shared(any CompetingOutbox)
    }

    private let outbox: Outbox
    private let tracer: (any Tracer)?
    private let clock: BootClock
    private let report: @Sendable (RelayReport) -> Void

    /// - Parameters:
    ///   - options: of the first relay; of the others only sinks and log level may differ.
    ///   - tracer: makes a span of each settlement; nil where nothing is traced.
    init(
        _ options: RelayOptions, _ target: ConnectionTarget, on loop: DedicatedThread?, tracer: (any Tracer)?,
        report: @escaping @Sendable (RelayReport) -> Void
    ) {
        let settings = postgresSettings(options, target, on: loop)
        if options.order == .none {
            let competition = PostgresCompetition(settings, claimTimeout: options.claimTimeout)
            outbox = .shared(tracer.map { TracedCompetition(competition, by: $0) } ?? competition)
        } else {
            outbox = .ordered(PostgresDatabase(settings))
        }
        self.tracer = tracer
        clock = BootClock(on: loop)
        self.report = report
    }

    /// Makes a relay.
    ///
    /// - Parameter earlier: the one before it, which has ended.
    func relay(
        _ options: RelayOptions, _ composition: SinkComposition, after earlier: (any StoppableRelay)? = nil
    ) async -> any StoppableRelay {
        let settings = relaySettings(options, composition.lanes)
        switch outbox {
        case .ordered(let database):
            await database.serve(options.sinks.map(\.name), parkingByKey: options.parkingByKey)
            let before = earlier as? Relay
            let (known, unsettled) = (await before?.known, await before?.unsettled)
            return Relay(
                settings: settings, database: tracer.map { TracedDatabase(database, by: $0) } ?? database,
                sinks: composition.sinks, known: known ?? KnownProgress(),
                inherited: unsettled ?? [], clock: clock, report: report)
        case .shared(let competition):
            // The options hold exactly one.
            return CompetingRelay(
                settings: settings, claimTimeout: options.claimTimeout.milliseconds, outbox: competition,
                sink: composition.sinks[0], clock: clock, report: report)
        }
    }
}

extension RelayOptions {
    fileprivate var parkingByKey: [String] { sinks.filter { $0.lane.onReject == .parkKey }.map(\.name) }
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
        parkingByKey: options.parkingByKey, memory: options.memory,
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
