import Foundation
import RelayTestKit

/// Prometheus's own tool, which judges rules and expositions.
enum Promtool {
    /// Runs it to its end.
    ///
    /// - Parameter input: the path of what it reads from its standard input.
    static func run(_ arguments: [String], input: String = "/dev/null") async throws -> CommandRun {
        let program = Deploy.repository.appendingPathComponent(".build/promtool/promtool").path
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw KitFailure("there is no promtool: run Tests/Scripts/prerequisites test, as make does")
        }
        return try await RelayTestKit.run(
            ["sh", "-c", #"input=$1; shift; exec "$@" <"$input""#, "sh", input, program] + arguments,
            within: .seconds(120))
    }

    /// What it says of an exposition; nothing where it is content.
    static func remarks(on exposition: String) async throws -> String {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("metrics-\(UUID().uuidString)")
        try exposition.write(to: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        let checked = try await run(["check", "metrics"], input: file.path)
        return checked.status == .exited(0) ? checked.output + checked.errors : "\(checked.status): \(checked.errors)"
    }
}
