import ArgumentParser
import Glibc
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayObservability

/// One call of the executable: parse, run, and say in one sentence what went wrong.
enum Invocation {
    /// The command line is wrong: `EX_USAGE`.
    static let usage: Int32 = 64
    /// What should not happen: `EX_SOFTWARE`.
    static let software: Int32 = 70

    /// Runs the command and returns the exit code.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try OutboxRelayCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: any Error) -> Int32 {
        switch error {
        case let code as ExitCode:
            return code.rawValue
        case let problem as ConfigurationProblem:
            return fail(problem.message, problem.exitCode)
        case let refusal as Refusal:
            return fail(refusal.message, refusal.exitCode)
        case let error as PostgresError:
            let refusal = Refusal(error)
            return fail(refusal.message, refusal.exitCode)
        default:
            return reportParsing(error)
        }
    }

    /// The parser's own errors, which also carry `--help` and `--version`.
    private static func reportParsing(_ error: any Error) -> Int32 {
        guard OutboxRelayCommand.exitCode(for: error) != .success else {
            print(OutboxRelayCommand.fullMessage(for: error))
            return 0
        }
        let message = OutboxRelayCommand.message(for: error)
        guard OutboxRelayCommand.exitCode(for: error) == .validationFailure else {
            return fail(message.isEmpty ? "an unexpected error" : message, software)
        }
        // It may be the rest of a conninfo without its quotes, with a password in it.
        let shown =
            message.hasPrefix("Unexpected argument") || message.contains(" unexpected arguments")
            ? "unexpected argument (not shown); put quotes around a conninfo that contains spaces" : message
        return fail("\(shown); see outbox-relay --help", usage)
    }

    private static func fail(_ message: String, _ code: Int32) -> Int32 {
        let words = oneLine(message)
        RelayLogHandler.writeToStderr("outbox-relay: \(words)\n")
        return code
    }
}
