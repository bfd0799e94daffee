import Foundation
import RelayTestKit
import Testing

/// The manual page, of what `deploy/man/outbox-relay.1` and the argument parser say.
@Suite struct ManualPageTests {
    private func page() async throws -> String {
        let script = "\"$0\" --experimental-dump-help | \"$1\" \"$2\""
        let made = try await run([
            "sh", "-c", script, try RelayProcess.executable("outbox-relay"), try RelayProcess.executable("manual-page"),
            Deploy.folder.appendingPathComponent("man/outbox-relay.1").path,
        ])
        #expect(made.status == .exited(0) && made.errors.isEmpty, "\(made.errors)")
        return made.output
    }

    @Test func isSound() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("page-\(UUID().uuidString).1")
        defer { try? FileManager.default.removeItem(at: file) }
        try await page().write(to: file, atomically: true, encoding: .utf8)
        let judged = try await run(["mandoc", "-Tlint", "-Wwarning", file.path])
        #expect(judged.status == .exited(0) && judged.output.isEmpty && judged.errors.isEmpty, "\(judged.output)")
        let shown = try await run(["mandoc", "-Tascii", file.path])
        #expect(shown.output.contains("outbox-relay"), "\(shown.errors)")
    }

    @Test(arguments: [
        "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES",
        "SEE ALSO",
    ])
    func hasTheSection(_ title: String) async throws {
        #expect(try await page().contains("\n.SH \(title)\n"))
    }

    @Test func hasEachCommand() async throws {
        let page = try await page().replacing("\\-", with: "-")
        let help = try await run(["outbox-relay", "--help"])
        let commands = help.output.split(separator: "\n").drop { $0 != "SUBCOMMANDS:" }.dropFirst().compactMap {
            $0.wholeMatch(of: /\ \ ([a-z][a-z-]*).*/).map { String($0.1) }
        }
        #expect(commands.contains("run") && commands.contains("tail"), "\(help.output)")
        for command in commands { #expect(page.contains("\n.SS outbox-relay \(command)"), "\(command)") }
    }

    @Test func hasEachOptionOfRun() async throws {
        let page = try await page().replacing("\\-", with: "-")
        let help = try await run(["outbox-relay", "run", "--help"])
        let names = help.output.matches(of: /(?m)^\ \ (--[a-z-]+)/).map { String($0.1) }
        #expect(names.contains("--max-slot-wal"), "\(help.output)")
        for name in names { #expect(page.contains("\\fB\(name)\\fR"), "\(name)") }
    }

    @Test func hasEachExitCodeOfTheReference() async throws {
        let page = try await page()
        let reference = try String(
            contentsOf: Deploy.repository.appendingPathComponent("docs/reference/commands.md"), encoding: .utf8)
        let table = try #require(reference.split(separator: "## Exit codes").last?.split(separator: "\n## ").first)
        let codes = table.matches(of: /(?m)^\| `(\d+)/).map { String($0.1) }
        #expect(codes.contains("78"))
        for code in codes { #expect(page.contains(".B \(code)\n") || page.contains(".BI \(code)+"), "\(code)") }
    }
}
