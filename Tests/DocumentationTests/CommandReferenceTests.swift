import Foundation
import RelayTestKit
import Testing

/// `docs/reference/commands.md` and `docs/reference/doctor.md` against the program.
@Suite struct CommandReferenceTests {
    private func page() throws -> Markdown { Markdown(try Repository.text("docs/reference/commands.md")) }

    /// Of each command, by its words, the options in its row.
    private func documented() throws -> [String: Set<String>] {
        var commands: [String: Set<String>] = [:]
        for row in try page().rows(under: "## Commands") {
            guard let synopsis = row.first?.codes.first else { continue }
            let words = synopsis.split(separator: " ").prefix { $0.allSatisfy(\.isLowercase) }
            commands[words.joined(separator: " ")] = Set(synopsis.matches(of: /--[a-z-]+/).map { String($0.0) })
        }
        return commands
    }

    @Test func everyCommandIsThereWithItsOptions() async throws {
        let program = try await CommandTree.ofTheProgram()
        let documented = try documented()
        #expect(Set(documented.keys) == Set(program.commands.keys))
        for (command, options) in program.commands {
            let beside = options.isSuperset(of: program.ofRun) ? program.ofRun : []
            #expect(documented[command] == options.subtracting(beside).subtracting(CommandTree.common), "\(command)")
        }
    }

    @Test func everyExitCodeIsThere() throws {
        let source = try Repository.text("Sources/OutboxRelay/ExitCodes.swift")
        let program = Set(source.matches(of: /ExitCode\(([0-9]+)\)/).map { String($0.1) })
        try #require(program.contains("64") && source.contains("ExitCode(128 + number)"))
        let documented = try page().rows(under: "## Exit codes").compactMap { $0.first?.codes.first }
        #expect(documented.count == Set(documented).count)
        #expect(Set(documented) == program.union(["0", "128 + n"]))
    }

    @Test func everyCheckOfDoctorIsThere() async throws {
        let database = try await PrivateCluster.shared().database()
        let arguments = ["outbox-relay", "doctor", "--json", "--mode", "wal", "--database", database.conninfo]
        let told = try await run(arguments)
        let answer = try #require(JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
        let names = (answer["checks"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
        let rows = try Markdown(Repository.text("docs/reference/doctor.md")).rows(under: "## Checks")
        let documented = Set(rows.flatMap { $0[0].codes })
        #expect(names.count > 10)
        for name in names { #expect(documented.contains(name.hasPrefix("sink:") ? "sink:NAME" : name), "\(name)") }
    }
}
