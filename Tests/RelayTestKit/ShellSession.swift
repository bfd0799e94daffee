import Foundation
import Glibc
import Synchronization

/// A bash that is given one script after the other, as somebody types them into a terminal: variables, folder and
/// background processes stay from one to the next.
package final class ShellSession: Sendable {
    /// How a script ended, and what it printed meanwhile.
    package struct Answer: Sendable {
        package let status: Int
        package let output: String
        package let errors: String
    }

    private let process: ChildProcess
    private let desk: Mutex<(pipe: Int32, scripts: Int)>
    private let papers: URL

    /// Starts it.
    /// - Parameters:
    ///   - folder: where it begins.
    ///   - environment: variables beside the few that are passed on.
    ///   - ending: what it does at its end, also where this process is killed, before it ends what runs in the background.
    package init(in folder: URL, environment: [String: String], ending: String) throws {
        papers = folder.appendingPathComponent(".session-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: papers, withIntermediateDirectories: true)
        let pipe = try Pipe()
        defer { close(pipe.reading) }
        // It ends by itself when the pipe closes.
        process = try ChildProcess(
            ["bash", "--noprofile", "--norc"],
            environment: ChildProcess.passedEnvironment.merging(environment) { $1 }, input: pipe.reading, tracked: false
        )
        desk = Mutex((pipe.writing, 0))
        try tell(
            "at_the_end() { cd \(quoted(folder.path)); \(ending); trap '' TERM; kill -TERM 0; }; trap at_the_end EXIT")
        try tell("cd \(quoted(folder.path))")
    }

    deinit { leave() }

    /// Runs a script to its end, with nothing to read.
    package func run(_ script: String, within limit: Duration = .seconds(60)) async throws -> Answer {
        let number = desk.withLock { desk in
            desk.scripts += 1
            return desk.scripts
        }
        func paper(_ kind: String) -> URL { papers.appendingPathComponent("\(number).\(kind)") }
        func path(_ kind: String) -> String { quoted(paper(kind).path) }
        try Data(script.utf8).write(to: paper("script"))
        try tell(
            """
            . \(path("script")) </dev/null >\(path("output")) 2>\(path("errors"))
            echo $? >\(path("end")); mv \(path("end")) \(path("status"))
            """)
        func text(_ kind: String) -> String { (try? String(contentsOf: paper(kind), encoding: .utf8)) ?? "" }
        try await eventually("this ends:\n\(script)\n\(text("output"))\(text("errors"))", within: limit) {
            if let end = process.exitStatus { throw KitFailure("the shell ended, \(end): \(text("errors"))") }
            return FileManager.default.fileExists(atPath: paper("status").path)
        }
        let status = Int(text("status").trimmingCharacters(in: .whitespacesAndNewlines))
        return Answer(status: status ?? -1, output: text("output"), errors: text("errors"))
    }

    /// Ends it and what runs in the background.
    package func end() async throws {
        leave()
        _ = try await process.exit()
    }

    private func tell(_ line: String) throws {
        let bytes = Array("\(line)\n".utf8)
        let written = desk.withLock { write($0.pipe, bytes, bytes.count) }
        guard written == bytes.count else {
            throw KitFailure("the shell takes no more: \(String(cString: strerror(errno)))")
        }
    }

    private func leave() {
        desk.withLock { desk in
            if desk.pipe >= 0 { close(desk.pipe) }
            desk.pipe = -1
        }
    }
}

/// A text as one word of a shell.
private func quoted(_ text: String) -> String { "'\(text.replacing("'", with: #"'\''"#))'" }
