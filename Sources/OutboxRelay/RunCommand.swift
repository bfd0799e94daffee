import ArgumentParser
import DedicatedThreads
import Foundation
import Logging
import RelayConfiguration
import RelayObservability
import RelayTracing

/// `outbox-relay run`: relays until a signal, or until everything is drained.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Relay events until told to stop (the default).")

    @OptionGroup var options: RunOptions

    @Flag(help: "Only check the configuration and the files that it names, without the database or a sink.")
    var check = false

    func run() async throws {
        let source = options.configurationSource
        let layers = source.layers()
        let configuration = try CheckedConfiguration(layers)
        if check { return confirm(configuration, layers.warnings) }
        // Without one (the system is out of threads or descriptors) tasks run on the pool, and each session has a
        // thread of its own.
        let loop = DedicatedThread()
        let shown = ShownRelay(configuration.options)
        let line = ProgressLine(total: nil, unit: "events", isWanted: configuration.options.showsProgress)
        let handler = makeHandler(configuration.options) { line.say($0) }
        let logger = Logger(label: "outbox-relay") { _ in handler }
        let exporter = makeExporter(configuration.tracing, logger)
        for warning in layers.warnings { logger.log(.configuration, level: .warning, "\(warning)") }
        let service = RelayService(
            configuration, from: source, on: loop, logger: logger, threshold: handler.threshold, shown: shown,
            tracer: exporter?.tracer, drain: line.isShown ? DrainProgress(on: line) : nil)
        exporter?.start()
        let code = await service.run()
        await exporter?.finish()
        line.finish()
        if !code.isSuccess { throw code }
    }

    private func confirm(_ configuration: CheckedConfiguration, _ warnings: [String]) {
        for warning in warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        let count = configuration.options.sinks.count
        print("configuration ok (\(count) sink\(count == 1 ? "" : "s"))")
    }

    /// What brings spans to a collector; nil where nothing is traced.
    private func makeExporter(_ settings: TracingSettings?, _ logger: Logger) -> SpanExporter? {
        guard let settings else { return nil }
        if let warning = settings.warning { logger.log(.configuration, level: .warning, "\(warning)") }
        return SpanExporter(settings, version: BuildVersion.number) { note in
            logger.log(.tracing, level: .warning, "\(note)")
        }
    }

    private func makeHandler(
        _ options: RelayOptions, write: @escaping @Sendable (String) -> Void
    ) -> RelayLogHandler {
        let level = Logger.Level(rawValue: options.logLevel.rawValue) ?? .info
        let format: LogLineFormat = options.logFormat == .json ? .json : .text
        let withPriority = RelayLogHandler.stderrIsJournal(ProcessInfo.processInfo.environment)
        let handler = RelayLogHandler(level: level, format: format, withPriority: withPriority, write: write)
        LogOutput.standardError.tellLosses(by: handler.lossNotice)
        return handler
    }
}

extension RelayOptions {
    /// How far a drain is shows where its end is waited for, and nothing else is written to the terminal.
    fileprivate var showsProgress: Bool {
        untilDrained && !sinks.contains(where: \.writesToTerminal)
    }
}
