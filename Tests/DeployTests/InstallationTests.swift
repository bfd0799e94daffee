import Foundation
import RelayTestKit
import Testing

/// What `make install` installs, and `make uninstall` removes.
@Suite struct InstallationTests {
    @Test func everythingIsInItsPlaceAndGoesAgain() async throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("install-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: root) }
        // Symbols stay: to strip them takes long here, and shows nothing.
        let settings = ["DESTDIR": root.path, "PREFIX": "/opt/relay", "STRIP": ""]
        let built = URL(fileURLWithPath: try RelayProcess.executable("outbox-relay")).deletingLastPathComponent()
        let done = try await run([Deploy.script("install"), built.path], environment: settings)
        try #require(done.status == .exited(0), "\(done.errors)")

        #expect(try files(in: root) == Set(try Self.expected().map { "opt/relay/\($0)" }))
        let text = { (path: String) in
            try String(contentsOf: root.appendingPathComponent("opt/relay/\(path)"), encoding: .utf8)
        }
        let unit = try text("lib/systemd/system/outbox-relay@.service")
        #expect(unit.contains("ExecStart=/opt/relay/bin/outbox-relay run"))
        #expect(try !text("share/man/man1/outbox-relay.1").contains("/usr/share"))
        let licences = try text("share/doc/outbox-relay/licences")
        #expect(licences.contains("swift-nio/NOTICE.txt") && licences.contains("Yams/LICENSE"))

        let again = try await run([Deploy.script("install"), "--uninstall"], environment: settings)
        #expect(again.status == .exited(0), "\(again.errors)")
        #expect(try files(in: root).isEmpty)
    }

    private static func expected() throws -> [String] {
        let migrations = try ["outbox", "ledger"].flatMap { source in
            try FileManager.default.contentsOfDirectory(
                atPath: Deploy.repository.appendingPathComponent("migrations/\(source)").path
            ).map { "share/outbox-relay/migrations/\(source)/\($0)" }
        }
        let completions = ["outbox-relay", "ledger"].flatMap {
            [
                "share/bash-completion/completions/\($0)", "share/zsh/site-functions/_\($0)",
                "share/fish/vendor_completions.d/\($0).fish",
            ]
        }
        let pages = try FileManager.default.subpathsOfDirectory(
            atPath: Deploy.repository.appendingPathComponent("docs").path
        ).filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
        let documents =
            ([
                "LICENSE", "licences", "README.md", "CHANGELOG.md", "examples/environment",
                "examples/outbox-relay.example.yaml",
            ] + pages).map { "share/doc/outbox-relay/\($0)" }
        let others = [
            "bin/outbox-relay", "bin/ledger", "lib/systemd/system/outbox-relay.service",
            "lib/systemd/system/outbox-relay@.service", "share/man/man1/outbox-relay.1", "share/outbox-relay/role.sql",
            "share/outbox-relay/prometheus/alerts.yaml", "share/outbox-relay/grafana/outbox-relay.json",
        ]
        return migrations + completions + documents + others
    }

    /// Relative to the root.
    private func files(in root: URL) throws -> Set<String> {
        Set(
            try FileManager.default.subpathsOfDirectory(atPath: root.path).filter {
                var isFolder: ObjCBool = false
                let path = root.appendingPathComponent($0).path
                return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
            })
    }
}
