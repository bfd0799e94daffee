import Foundation
import RelayTestKit
import Testing

/// `docs/tutorial.md`, done as it says: its `sh` blocks in one shell, in order, beginning in a clone that is built. A `text`
/// block is what the block of commands before it prints; where it is not there yet, the commands are run again, as a reader
/// would look again.
@Suite struct TutorialTests {
    private struct Step {
        let line: Int
        let commands: String
        var output: String?
    }

    private func steps() throws -> [Step] {
        var steps: [Step] = []
        for fence in Markdown(try Repository.text("docs/tutorial.md")).fences {
            switch fence.language {
            case "sh": steps.append(Step(line: fence.line, commands: fence.text))
            case "text":
                let last = try #require(steps.indices.last, "docs/tutorial.md:\(fence.line) is the output of nothing")
                try #require(steps[last].output == nil, "docs/tutorial.md:\(fence.line) is a second output")
                steps[last].output = fence.text
            default: Issue.record("docs/tutorial.md:\(fence.line): a block is sh or text, not '\(fence.language)'")
            }
        }
        return steps
    }

    /// What stands for a clone after `make build`.
    private func clone(in folder: URL) throws -> URL {
        let files = FileManager.default
        let clone = folder.appendingPathComponent("clone")
        try files.createDirectory(at: clone.appendingPathComponent(".build"), withIntermediateDirectories: true)
        let built = URL(fileURLWithPath: try RelayProcess.executable("outbox-relay")).deletingLastPathComponent()
        for (link, target) in [("Tests", Repository.root.appendingPathComponent("Tests")), (".build/release", built)] {
            try files.createSymbolicLink(at: clone.appendingPathComponent(link), withDestinationURL: target)
        }
        try Data("build:\n\t@true\n".utf8).write(to: clone.appendingPathComponent("Makefile"))
        return clone
    }

    @Test func itWorksAsWritten() async throws {
        let folder = URL(fileURLWithPath: "/tmp/tutorial-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // The server's user, who is not root, must get to what `mktemp` makes.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path)
        var environment = ["TMPDIR": folder.path, "LC_ALL": "C.UTF-8"]
        environment["PG_BIN"] = ProcessInfo.processInfo.environment["PG_BIN"]
        let shell = try ShellSession(
            in: try clone(in: folder), environment: environment,
            ending: "[ ! -d \"$folder\" ] || Tests/Scripts/private-server stop \"$folder\"")
        // Somebody may listen on the port that it names.
        let port = "\(try PrivateCluster.freePort())"
        do {
            for step in try steps() { try await perform(step, in: shell, port: port) }
        } catch {
            try await shell.end()
            throw error
        }
        try await shell.end()
    }

    private func perform(_ step: Step, in shell: ShellSession, port: String) async throws {
        let commands = step.commands.replacing("8088", with: port)
        let first = try await shell.run(commands)
        guard let output = step.output?.replacing("8088", with: port) else {
            try #require(first.status == 0, "docs/tutorial.md:\(step.line) fails: \(first.output)\(first.errors)")
            return
        }
        let shown = ShownOutput(output)
        var last = first
        try await eventually(
            "docs/tutorial.md:\(step.line) prints\n\(output)\nat first it printed\n\(first.output)\(first.errors)\n"
                + "and at last\n\(last.output)\(last.errors)"
        ) {
            if last.status == 0 && shown.matches(last.output) { return true }
            last = try await shell.run(commands)
            return last.status == 0 && shown.matches(last.output)
        }
    }
}
