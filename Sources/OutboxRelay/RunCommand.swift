import ArgumentParser
import DedicatedThreads
import Foundation
import Logging
import RelayConfiguration
import RelayObservability

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
        let configuration = try await CheckedConfiguration(layers)
        if check { return confirm(configuration, layers.warnings) }
        // Without one (the system is out of threads or descriptors) tasks run on the pool, and each session has a
        // thread of its own.
        let loop = DedicatedThread()
        let shown = ShownRelay(configuration.options)
        let handler = makeHandler(configuration.options)
        let logger = Logger(label: "outbox-relay") { _ in handler }
        for warning in layers.warnings { logger.log(.configuration, level: .warning, "\(warning)") }
        let service = RelayService(
            configuration, from: source, on: loop, logger: logger, threshold: handler.threshold, shown: shown)
        let code = await service.run()
        if !code.isSuccess { throw code }
    }

    private func confirm(_ configuration: CheckedConfiguration, _ warnings: [String]) {
        for warning in warnings { RelayLogHandler.writeToStderr("outbox-relay: warning: \(warning)\n") }
        let count = configuration.options.sinks.count
        print("configuration ok (\(count) sink\(count == 1 ? "" : "s"))")
    }

    private func makeHandler(_ options: RelayOptions) -> RelayLogHandler {
        let level = Logger.Level(rawValue: options.logLevel.rawValue) ?? .info
        let format: LogLineFormat = options.logFormat == .json ? .json : .text
        let withPriority = RelayLogHandler.stderrIsJournal(ProcessInfo.processInfo.environment)
        let handler = RelayLogHandler(level: level, format: format, withPriority: withPriority)
        LogOutput.standardError.tellLosses(by: handler.lossNotice)
        return handler
    }
}
