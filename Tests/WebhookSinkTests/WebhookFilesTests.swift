import Foundation
import RelayCore
import Testing
import WebhookSink

/// What is known of the files that a webhook's settings name.
@Suite struct WebhookFilesTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("files-\(UUID().uuidString)")
        .path

    private func write(_ name: String, _ text: String) throws -> String {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        return "\(folder)/\(name)"
    }

    private func read(_ settings: WebhookSettings) -> (files: WebhookFiles, problems: [String]) {
        let (files, problems) = settings.readFiles()
        return (files, problems.map(\.reason))
    }

    /// Another content is another value, whatever the times of the file say; the value shows nothing of it.
    @Test func theContentCounts() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var settings = WebhookSettings(name: "hook", url: "https://h/")
        let none = read(settings)
        settings.secretFiles = [try write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLdSw")]
        settings.headerFiles = [.init(name: "authorization", path: try write("token", "Bearer hunter2"))]
        let first = read(settings)
        #expect(first.problems.isEmpty && none.problems.isEmpty && first.files != none.files)
        _ = try write("token", "Bearer hunter2")
        #expect(read(settings).files == first.files)
        _ = try write("token", "Bearer hunter3")
        let second = read(settings)
        #expect(second.problems.isEmpty && second.files != first.files)
        _ = try write("secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
        #expect(read(settings).files != second.files)
        #expect(!"\(second)".contains("hunter"))
    }

    @Test func everythingThatIsWrong() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var settings = WebhookSettings(name: "hook", url: "https://h/")
        settings.secretFiles = ["\(folder)/none", try write("secret", "hunter2!")]
        settings.headerFiles = [.init(name: "x", path: try write("lines", "hunter2\nhunter2"))]
        settings.tls = .init(ca: "\(folder)/ca", certificate: try write("cert", "hunter2"), key: "\(folder)/key")
        let problems = read(settings).problems
        let parts = [
            "none cannot be read", "secret holds neither", "lines of header x", "(tls.ca)", "(tls.cert)", "(tls.key)",
        ]
        #expect(problems.count == parts.count, "\(problems)")
        for (problem, part) in zip(problems, parts) { #expect(problem.contains(part), "\(problem)") }
        #expect(!problems.joined().contains("hunter2"))
    }
}
