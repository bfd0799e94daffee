import ArgumentParser
import DedicatedThreads
import Foundation
import Glibc
import Logging
import RelayConfiguration
import RelayCore
import RelayObservability
import RelayRuntime
import RelaySight
import Tracing

/// The relay as a process: one relay, after SIGHUP perhaps another with other sinks, and what looks on beside them.
actor RelayService {
    /// What the next relay begins with.
    private struct Successor {
        var configuration: CheckedConfiguration
        var sinks: SinkComposition
    }

    private let source: ConfigurationSource
    private var configuration: CheckedConfiguration
    private var sinks: SinkComposition
    /// What everything runs on; without it, the pool.
    private let loop: DedicatedThread?
    private let logger: Logger
    private let threshold: LogThreshold
    /// What `--listen` shows; nil where nothing is listened on.
    private let shown: ShownRelay?
    /// Makes a span of each delivery and settlement; nil where nothing is traced.
    private let tracer: (any Tracer)?
    /// Shows how far `--until-drained` is; nil where nobody looks.
    private let drain: DrainProgress?

    private let notifier: SystemdNotifier
    private let journal: RelayJournal
    private let assembly: RelayAssembly

    /// Nil before the first relay and after the last.
    private var relay: CurrentRelay?
    private var successor: Successor?
    /// Waits until the successor has begun, or never will.
    private var succession: CheckedContinuation<Void, Never>?
    /// A signal has asked for the end.
    private var isEnding = false

    /// - Parameters:
    ///   - source: where the configuration is read from again.
    ///   - threshold: of the logger.
    init(
        _ configuration: CheckedConfiguration, from source: ConfigurationSource, on loop: DedicatedThread?,
        logger: Logger, threshold: LogThreshold, shown: ShownRelay?, tracer: (any Tracer)?, drain: DrainProgress?
    ) {
        self.source = source
        self.configuration = configuration
        self.loop = loop
        self.logger = logger
        self.threshold = threshold
        self.shown = shown
        self.tracer = tracer
        self.drain = drain
        let options = configuration.options
        sinks = SinkComposition(options, on: loop, tracer: tracer, progress: shown?.sight.progress, drain: drain)
        notifier = SystemdNotifier(environment: ProcessInfo.processInfo.environment)
        let journal = RelayJournal(logger: logger, window: options.window, notifier: notifier, sight: shown?.sight)
        self.journal = journal
        assembly = RelayAssembly(options, configuration.target, on: loop, tracer: tracer) { report in
            if case .resuming(let sink, let after) = report { drain?.resumes(sink, after: after) }
            journal.write(report)
        }
    }

    /// Relays until there is a reason to end.
    func run() async -> ExitCode {
        limitFragmentation()
        let relay = CurrentRelay(await assembly.relay(configuration.options, sinks))
        self.relay = relay
        // One that waits is enough for all that came: it reads what is there when its turn comes.
        let (hangUps, hangUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let signals = TerminationSignals {
            hangUp.yield()
        } onTermination: { signal in
            await self.end(by: signal)
        }
        return await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            let loop = loop
            let isAlive: @Sendable () async -> Bool = {
                await Task(executorPreference: loop?.tasks) { await relay.isAlive() }.value
            }
            if let refusal = await shown?.listen(configuration.target, relay, logger, in: &group, isAlive: isAlive) {
                return refusal
            }
            if let limit = notifier.watchdogLimit {
                let notifier = notifier
                group.addTask { await watch(notifier, every: limit / 2, isAlive) }
            }
            group.addTask { for await _ in hangUps { await self.reread() } }
            return code(of: await relayOnAndOn(relay), signal: signals.caught)
        }
    }

    /// Runs a relay, and the one that follows it, until one ends that none follows.
    private func relayOnAndOn(_ relay: CurrentRelay) async -> RelayExit {
        while true {
            let current = relay.value
            let exit = await Task(executorPreference: loop?.tasks) { await current.run() }.value
            guard let next = successor, !isEnding, exit.letsAnotherFollow else {
                self.relay = nil
                endSuccession()
                return exit
            }
            configuration = next.configuration
            sinks = next.sinks
            let names = configuration.options.sinks.map(\.name)
            journal.serving(names)
            drain?.keep(names)
            relay.value = await assembly.relay(configuration.options, sinks, after: current)
            endSuccession()
            // It came while there was none that it could have stopped.
            if isEnding { await relay.value.stop() }
        }
    }

    private func endSuccession() {
        successor = nil
        succession?.resume()
        succession = nil
    }

    private func end(by signal: Int32) async {
        isEnding = true
        journal.stopping(signal)
        await relay?.value.stop()
    }

    private func code(of exit: RelayExit, signal: Int32?) -> ExitCode {
        let untilDrained = configuration.options.untilDrained
        switch exit {
        case .drained: return .success
        case .stopped: return untilDrained ? .signal(signal ?? SIGTERM) : .success
        case .sinkClosed: return untilDrained ? .outputClosed : .success
        case .stop(let stop):
            if !stop.wentBack { logger.log(.failed, level: .critical, "\(stop.message)") }
            return stop.exitCode
        }
    }
}

/// What SIGHUP is for.
extension RelayService {
    private func reread() async {
        guard !isEnding else { return }
        journal.rereading()
        await sinks.reopenFiles()
        do throws(ConfigurationProblems) {
            try await take(try await readAgain())
        } catch {
            journal.refused(error)
        }
        if !isEnding { journal.reread() }
    }

    /// Reads the configuration on a thread of its own: neither the relay nor its end waits for a file system that hangs.
    private func readAgain() async throws(ConfigurationProblems) -> CheckedConfiguration {
        let source = source
        let limit = Duration.seconds(5)
        let read = await BoundedCall.run(within: limit) { () -> Result<CheckedConfiguration, ConfigurationProblems> in
            do throws(ConfigurationProblems) {
                return .success(try CheckedConfiguration(source.layers()))
            } catch {
                return .failure(error)
            }
        }
        guard let read else {
            throw ConfigurationProblems(
                .configuration(
                    "the configuration, or a file that it names, could not be read within \(limit.configured); bring its "
                        + "file system back, and send SIGHUP again"))
        }
        return try read.get()
    }

    private func take(_ new: CheckedConfiguration) async throws(ConfigurationProblems) {
        // Without a pause from here to the successor: there is one as long as there is a relay that it follows.
        guard !isEnding, let relay else { return }
        let change = configuration.change(to: new)
        journal.needsRestart(change.needsRestart)
        let next = try configuration.reread(as: new)
        if change.logLevel != nil || change.hasOtherSinks { tell(change) }
        guard change.hasOtherSinks else {
            configuration = next
            return
        }
        successor = Successor(
            configuration: next,
            sinks: SinkComposition(
                next.options, on: loop, tracer: tracer, progress: shown?.sight.progress, drain: drain))
        await relay.value.stop()
        await withCheckedContinuation { if successor == nil { $0.resume() } else { succession = $0 } }
    }

    /// By the more talkative of the two levels, where they differ.
    private func tell(_ change: ConfigurationChange) {
        let level = change.logLevel.flatMap { Logger.Level(rawValue: $0.rawValue) } ?? threshold.level
        threshold.level = min(threshold.level, level)
        journal.changed(change)
        threshold.level = level
    }
}

extension RelayExit {
    /// Whether the process may go on with other sinks.
    fileprivate var letsAnotherFollow: Bool {
        switch self {
        case .drained, .stopped, .sinkClosed: true
        case .stop: false
        }
    }
}

/// Tells the service manager that the relay works, for as long as it does: it is asked where it runs, so that a loop that
/// hangs says nothing.
private func watch(
    _ notifier: SystemdNotifier, every pause: Duration, _ isAlive: @Sendable () async -> Bool
) async {
    while !Task.isCancelled, await isAlive() {
        notifier.isWorking()
        try? await Task.sleep(for: pause)
    }
}
