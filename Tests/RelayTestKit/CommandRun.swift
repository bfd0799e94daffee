import Foundation
import Glibc

/// A program that ran to its end: what it said, and how it ended.
package struct CommandRun: Sendable {
    package let status: ProcessEnd
    package let output: String
    package let errors: String

    /// The last line of its standard output.
    package var lastLine: String { output.split(separator: "\n").last.map(String.init) ?? "" }
}

/// A program that runs, and ends by itself or when it is told to.
package struct RunningCommand: Sendable {
    private let process: ChildProcess
    private let folder: URL

    /// Starts a program: one of the build folder's where the name is `ledger` or `outbox-relay`, else as PATH finds it.
    /// It sees nothing of the caller's libpq settings.
    package init(_ command: [String], environment: [String: String] = [:]) throws {
        guard var program = command.first else { throw KitFailure("no command") }
        if ["ledger", "outbox-relay"].contains(program) { program = try RelayProcess.executable(program) }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        Janitor.shared.remove(folder: folder.path)
        self.folder = folder
        let descriptors = ["output", "errors"].map { name in
            open(folder.appendingPathComponent(name).path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        }
        defer { for descriptor in descriptors { close(descriptor) } }
        process = try ChildProcess(
            [program] + command.dropFirst(), environment: ChildProcess.passedEnvironment.merging(environment) { $1 },
            output: descriptors[0], errors: descriptors[1])
    }

    /// Sends a signal.
    package func signal(_ number: Int32) { process.signal(number) }

    /// Waits for its end.
    package func end(within limit: Duration = .seconds(60)) async throws -> CommandRun {
        let status = try await process.exit(within: limit)
        let texts = try ["output", "errors"].map { name in
            try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
        }
        try FileManager.default.removeItem(at: folder)
        return CommandRun(status: status, output: texts[0], errors: texts[1])
    }
}

/// Runs a program to its end; see `RunningCommand`.
package func run(
    _ command: [String], environment: [String: String] = [:], within limit: Duration = .seconds(60)
) async throws -> CommandRun {
    try await RunningCommand(command, environment: environment).end(within: limit)
}
