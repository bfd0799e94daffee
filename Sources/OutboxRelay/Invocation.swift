import ArgumentParser
import Libpq
import PostgresOutbox
import RelayConfiguration
import RelayObservability

/// One call of the executable: parse, run, and say in one sentence what went wrong.
enum Invocation {
    /// Runs the command.
    static func run(_ arguments: [String]) async -> ExitCode {
        do {
            var command = try OutboxRelayCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return .success
        } catch {
            return report(error)
        }
    }

    private static func report(_ error: any Error) -> ExitCode {
        switch error {
        case let code as ExitCode:
            return code
        case let problems as ConfigurationProblems:
            for problem in problems.all { tell(problem.message) }
            return problems.exitCode
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
    private static func reportParsing(_ error: any Error) -> ExitCode {
        guard OutboxRelayCommand.exitCode(for: error) != .success else {
            print(OutboxRelayCommand.fullMessage(for: error))
            return .success
        }
        let message = OutboxRelayCommand.message(for: error)
        guard OutboxRelayCommand.exitCode(for: error) == .validationFailure else {
            return fail(message.isEmpty ? "an unexpected error" : message, .unexpected)
        }
        // It may be the rest of a conninfo without its quotes, with a password in it.
        let shown =
            message.hasPrefix("Unexpected argument") || message.contains(" unexpected arguments")
            ? "unexpected argument (not shown); put quotes around a conninfo that contains spaces" : message
        return fail("\(shown); see outbox-relay --help", .usage)
    }

    private static func fail(_ message: String, _ code: ExitCode) -> ExitCode {
        tell(message)
        return code
    }

    private static func tell(_ message: String) {
        RelayLogHandler.writeToStderr("outbox-relay: \(oneLine(message))\n")
    }
}
