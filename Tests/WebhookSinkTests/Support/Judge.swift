import Foundation
import Glibc
import RelayTestKit

/// The receiver in Python, which verifies signatures and parses events by public packages: an independent judge.
final class Judge: Sendable {
    /// What it says of one request.
    struct Line: Decodable, Sendable {
        struct Event: Decodable, Sendable {
            var id: String
            var type: String
            var source: String
            var subject: String?
            var time: String
            var correlationid: String?
            var data: [String: Int]
        }

        /// `webhook-id`.
        var id: String
        /// The secrets that verify it.
        var verified: [String]
        var events: [Event]?
        var problem: String?
    }

    let port: Int
    private let process: ChildProcess
    private let folder: TestFolder

    /// Starts it; it knows some secrets.
    init(_ secrets: [String]) async throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let python = root.appendingPathComponent(".build/webhook-judge/bin/python3").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw KitFailure("there is no receiver in Python: run Tests/Scripts/prerequisites test, as make does")
        }
        folder = try TestFolder()
        let said = try folder.write("port", "")
        let descriptor = open(said, O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let script = root.appendingPathComponent("Tests/WebhookSinkTests/judge/judge.py").path
        process = try ChildProcess(
            [python, script, "\(folder.path)/log"] + secrets, environment: ["PATH": "/usr/bin:/bin"],
            output: descriptor, errors: STDERR_FILENO)
        var port = 0
        try await eventually("the judge listens") {
            let text = (try? String(contentsOfFile: said, encoding: .utf8)) ?? ""
            port = text.hasSuffix("\n") ? Int(text.dropLast()) ?? 0 : 0
            return port > 0
        }
        self.port = port
    }

    /// What it said of every request so far.
    func lines() throws -> [Line] {
        try String(contentsOfFile: "\(folder.path)/log", encoding: .utf8).split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
    }

    func stop() async throws {
        process.signal(SIGKILL)
        _ = try await process.exit()
    }
}
