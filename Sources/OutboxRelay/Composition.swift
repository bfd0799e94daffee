import ArgumentParser
import CMalloc
import DedicatedThreads
import Foundation
import Glibc
import Libpq
import Logging
import PostgresOutbox
import RelayConfiguration
import RelayCore
import RelayObservability
import RelayRuntime

/// Puts the relay together from its options and runs it.
func runRelay(
    _ options: RelayOptions, _ target: ConnectionTarget, _ composition: SinkComposition, on loop: DedicatedThread?,
    logger: Logger
) async -> ExitCode {
    limitFragmentation()
    let journal = RelayJournal(logger: logger, window: options.window)
    let relay = makeRelay(options, target, composition, on: loop) { journal.write($0) }
    let signals = TerminationSignals {
        journal.reopening()
        await composition.reopenFiles()
    } onTermination: { signal in
        journal.stopping(signal)
        await relay.stop()
    }
    let exit = await Task(executorPreference: loop?.tasks) { await relay.run() }.value
    return code(of: exit, options, signal: signals.caught, logger)
}

/// A relay of either order.
private protocol StoppableRelay: Sendable {
    func run() async -> RelayExit
    func stop() async
}

extension Relay: StoppableRelay {}
extension CompetingRelay: StoppableRelay {}

private func makeRelay(
    _ options: RelayOptions, _ target: ConnectionTarget, _ composition: SinkComposition, on loop: DedicatedThread?,
    report: @escaping @Sendable (RelayReport) -> Void
) -> any StoppableRelay {
    let settings = relaySettings(options, composition.lanes)
    let outbox = postgresSettings(options, target, on: loop)
    let clock = BootClock(on: loop)
    // The options hold exactly one sink then.
    guard options.order == .none, let sink = composition.sinks.first else {
        return Relay(
            settings: settings, database: PostgresDatabase(outbox), sinks: composition.sinks, clock: clock,
            report: report)
    }
    return CompetingRelay(
        settings: settings, claimTimeout: options.claimTimeout.milliseconds,
        outbox: PostgresCompetition(outbox, claimTimeout: options.claimTimeout), sink: sink, clock: clock,
        report: report)
}

private func code(of exit: RelayExit, _ options: RelayOptions, signal: Int32?, _ logger: Logger) -> ExitCode {
    switch exit {
    case .drained: return .success
    case .stopped: return options.untilDrained ? .signal(signal ?? SIGTERM) : .success
    case .sinkClosed: return options.untilDrained ? .outputClosed : .success
    case .stop(let stop):
        if !stop.wentBack { logger.log(.failed, level: .critical, "\(stop.message)") }
        return stop.exitCode
    }
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
        seed: UInt64.random(in: .min ... .max))
}

private func postgresSettings(
    _ options: RelayOptions, _ target: ConnectionTarget, on loop: DedicatedThread?
) -> PostgresSettings {
    PostgresSettings(
        target: target, source: options.source, leaderTimeout: options.leaderTimeout,
        configuredSinks: options.sinks.map(\.name),
        parkingByKey: options.sinks.filter { $0.lane.onReject == .parkKey }.map(\.name), memory: options.memory,
        maxSlotWAL: options.maxSlotWAL, host: ProcessInfo.processInfo.hostName, untilDrained: options.untilDrained,
        reachWithin: options.untilDrained ? reachLimit(target) : nil, thread: loop)
}

/// `connect_timeout` of the conninfo, or ten seconds.
private func reachLimit(_ target: ConnectionTarget) -> Duration {
    target["connect_timeout"].flatMap(Int64.init).map { .seconds(max($0, 2)) } ?? .seconds(10)
}

/// Large batches go back to the system as soon as they are freed, whatever sizes came before: glibc otherwise raises its
/// threshold with every large block and keeps what it freed (mallopt(3)).
private func limitFragmentation() {
    _ = mallopt(M_MMAP_THRESHOLD, 256 << 10)
    _ = mallopt(M_TRIM_THRESHOLD, 1 << 20)
    _ = mallopt(M_ARENA_MAX, 2)
}
