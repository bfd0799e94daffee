import ArgumentParser
import DedicatedThreads
import Foundation
import Glibc
import Libpq
import Logging
import RelayConfiguration
import RelayCore
import RelayObservability
import RelayRuntime
import RelaySight
import Tracing

/// The relay as a process: the relay itself, and what looks at it beside.
struct RelayService: Sendable {
    let options: RelayOptions
    let target: ConnectionTarget
    let sinks: SinkComposition
    /// What everything runs on; without it, the pool.
    let loop: DedicatedThread?
    let logger: Logger
    /// What `--listen` shows; nil where nothing is listened on.
    let shown: ShownRelay?
    /// Makes a span of each settlement; nil where nothing is traced.
    let tracer: (any Tracer)?

    /// Relays until there is a reason to end.
    func run() async -> ExitCode {
        limitFragmentation()
        let notifier = SystemdNotifier(environment: ProcessInfo.processInfo.environment)
        let journal = RelayJournal(logger: logger, window: options.window, notifier: notifier, sight: shown?.sight)
        let relay = makeRelay(options, target, sinks, on: loop, tracer: tracer) { journal.write($0) }
        let signals = TerminationSignals {
            journal.reopening()
            await sinks.reopenFiles()
            journal.reopened()
        } onTermination: { signal in
            journal.stopping(signal)
            await relay.stop()
        }
        return await withTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            let isAlive: @Sendable () async -> Bool = {
                await Task(executorPreference: loop?.tasks) { await relay.isAlive() }.value
            }
            if let refusal = await shown?.listen(target, relay.buffered, logger, in: &group, isAlive: isAlive) {
                return refusal
            }
            if let limit = notifier.watchdogLimit {
                group.addTask { await watch(notifier, every: limit / 2, isAlive) }
            }
            let exit = await Task(executorPreference: loop?.tasks) { await relay.run() }.value
            return code(of: exit, signal: signals.caught)
        }
    }

    /// Tells the service manager that the relay works, for as long as it does: it is asked where it runs, so that a loop
    /// that hangs says nothing.
    private func watch(
        _ notifier: SystemdNotifier, every pause: Duration, _ isAlive: @Sendable () async -> Bool
    ) async {
        while !Task.isCancelled, await isAlive() {
            notifier.isWorking()
            try? await Task.sleep(for: pause)
        }
    }

    private func code(of exit: RelayExit, signal: Int32?) -> ExitCode {
        switch exit {
        case .drained: return .success
        case .stopped: return options.untilDrained ? .signal(signal ?? SIGTERM) : .success
        case .sinkClosed: return options.untilDrained ? .outputClosed : .success
        case .stop(let stop):
            if !stop.wentBack { logger.log(.failed, level: .critical, "\(stop.message)") }
            return stop.exitCode
        }
    }
}
