import ArgumentParser
import DedicatedThreads
import Foundation
import Libpq
import Logging
import RelayConfiguration
import RelayObservability

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
        let sinks = try SinkComposition(relay, on: loop)
        let logger = makeLogger(relay)
        for warning in warnings { logger.log(.configuration, level: .warning, "\(warning)") }
        let code = await runRelay(relay, target, sinks, on: loop, logger: logger)
        if !code.isSuccess { throw code }
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
