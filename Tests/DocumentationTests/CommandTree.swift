import Foundation
import RelayTestKit
import Testing

/// The commands of the program and their options, as its argument parser tells them.
struct CommandTree {
    /// Of each command that does something, by its words behind the program's name: its options, such as `--json`.
    private(set) var commands: [String: Set<String>] = [:]

    /// Those that every command takes.
    static let common: Set<String> = ["--database", "--config", "--version", "--help"]

    /// Those that `[OPTIONS]` stands for, which have a page of their own: what `run` and `doctor` have in common.
    var ofRun: Set<String> { (commands["run"] ?? []).intersection(commands["doctor"] ?? []) }

    /// Asks the program.
    static func ofTheProgram() async throws -> CommandTree {
        let told = try await run(["outbox-relay", "--experimental-dump-help"])
        try #require(told.status == .exited(0), "\(told.errors)")
        var tree = CommandTree()
        tree.add(try JSONDecoder().decode(Dump.self, from: Data(told.output.utf8)).command, under: [])
        return tree
    }

    private mutating func add(_ command: Command, under parents: [String]) {
        let children = (command.subcommands ?? []).filter { $0.commandName != "help" }
        for child in children { add(child, under: parents + [child.commandName]) }
        guard children.isEmpty else { return }
        let names = (command.arguments ?? []).flatMap { $0.names ?? [] }.filter { $0.kind == "long" }
        commands[parents.joined(separator: " ")] = Set(names.map { "--\($0.name)" })
    }

    private struct Dump: Decodable {
        let command: Command
    }

    private struct Command: Decodable {
        let commandName: String
        let arguments: [Argument]?
        let subcommands: [Command]?
    }

    private struct Argument: Decodable {
        let names: [Name]?
    }

    private struct Name: Decodable {
        let kind: String
        let name: String
    }
}
