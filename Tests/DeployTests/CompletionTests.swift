import Foundation
import RelayTestKit
import Testing

/// What the argument parser makes for shells, which `make install` installs.
@Suite struct CompletionTests {
    /// The script's own shell has no complaint of it.
    @Test(arguments: [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")], ["outbox-relay", "ledger"])
    func aShellReadsIt(_ shell: (name: String, option: String), _ program: String) async throws {
        let made = try await run([program, "--generate-completion-script", shell.name])
        #expect(made.status == .exited(0) && made.output.contains(program))
        let script = FileManager.default.temporaryDirectory.appendingPathComponent("completion-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: script) }
        try made.output.write(to: script, atomically: true, encoding: .utf8)
        let read = try await run([shell.name, shell.option, script.path])
        #expect(read.status == .exited(0) && read.errors.isEmpty, "\(read.errors)")
    }

    @Test(arguments: [
        ("run --mode ", ["poll", "wal"]), ("run --order ", ["id", "none"]), ("run --log-format ", ["text", "json"]),
        ("run --log-level ", ["trace", "debug", "info", "notice", "warning", "error", "critical"]),
        ("doctor --sink ", ["stdout", "file:", "http://", "https://"]), ("sinks ", ["list", "add", "move", "remove"]),
    ])
    func aValueIsOffered(_ line: String, _ values: [String]) async throws {
        let program = URL(fileURLWithPath: try RelayProcess.executable("outbox-relay"))
        let offered = try await run(
            [
                "fish", "--no-config", "-c",
                "outbox-relay --generate-completion-script fish | source; complete -C \"outbox-relay \(line)\"",
            ],
            environment: [
                "PATH": "\(program.deletingLastPathComponent().path):/usr/bin:/bin",
                "HOME": FileManager.default.temporaryDirectory.path,
            ])
        let words = offered.output.split(separator: "\n").compactMap {
            $0.split(separator: "\t").first.map(String.init)
        }
        #expect(Set(words) == Set(values), "\(offered.output) \(offered.errors)")
    }
}
