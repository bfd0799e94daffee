import ArgumentParser
import DedicatedThreads
import Foundation
import Libpq
import Logging
import RelayConfiguration
import RelayObservability
import RelaySight
import RelayTracing

/// `outbox-relay run`: relays until a signal, or until everything is drained.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Relay events until told to stop (the default).")

    @OptionGroup var options: RunOptions

    func run() async throws {
        let (relay, warnings) = try options.resolve()
        let target = try ConnectionTarget(parsing: relay.database)
        // Without one (the system is out of threads or descriptors) tasks run on the pool, and each session has a
        // thread of its own.
        let loop = DedicatedThread()
        let shown = ShownRelay(relay)
        let logger = makeLogger(relay)
        let exporter = try makeExporter(relay, logger)
        let sinks = try SinkComposition(relay, on: loop, tracer: exporter?.tracer, progress: shown?.sight.progress)
        for warning in warnings { logger.log(.configuration, level: .warning, "\(warning)") }
        let service = RelayService(
            options: relay, target: target, sinks: sinks, loop: loop, logger: logger, shown: shown,
            tracer: exporter?.tracer)
        exporter?.start()
        let code = await service.run()
        await exporter?.finish()
        if !code.isSuccess { throw code }
    }

    /// What brings spans to a collector; nil where nothing is traced.
    private func makeExporter(_ options: RelayOptions, _ logger: Logger) throws(ConfigurationProblem) -> SpanExporter? {
        do throws(TracingProblem) {
            let environment = ProcessInfo.processInfo.environment
            guard let settings = try TracingSettings(otlp: options.otlp, environment: environment) else { return nil }
            if let warning = settings.warning { logger.log(.configuration, level: .warning, "\(warning)") }
            return SpanExporter(settings, version: BuildVersion.number) { note in
                logger.log(.tracing, level: .warning, "\(note)")
            }
        } catch {
            throw .configuration(error.message)
        }
    }

    private func makeLogger(_ options: RelayOptions) -> Logger {
        let level = Logger.Level(rawValue: options.logLevel.rawValue) ?? .info
        let format: LogLineFormat = options.logFormat == .json ? .json : .text
        let withPriority = RelayLogHandler.stderrIsJournal(ProcessInfo.processInfo.environment)
        let handler = RelayLogHandler(level: level, format: format, withPriority: withPriority)
        LogOutput.standardError.tellLosses(by: handler.lossNotice)
        return Logger(label: "outbox-relay") { _ in handler }
    }
}
