import Foundation
import RelayTestKit
import Testing

/// `deploy/systemd/outbox-relay.service`
@Suite struct UnitTests {
    private func settings() throws -> [String: [String]] {
        try Deploy.text("systemd/outbox-relay.service").split(separator: "\n").reduce(into: [:]) { settings, line in
            guard !line.hasPrefix("#"), let mark = line.firstIndex(of: "=") else { return }
            settings[String(line[..<mark]), default: []].append(String(line[line.index(after: mark)...]))
        }
    }

    @Test(arguments: [
        ("Type", "notify"), ("NotifyAccess", "main"), ("ExecStart", "/usr/bin/outbox-relay run"), ("Restart", "always"),
        ("RestartPreventExitStatus", "64 78"), ("StartLimitIntervalSec", "0"), ("TimeoutStopSec", "20s"),
        ("DynamicUser", "yes"), ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"), ("ProtectHome", "yes"),
        ("PrivateDevices", "yes"), ("CapabilityBoundingSet", ""), ("SystemCallFilter", "@system-service"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"), ("StateDirectory", "outbox-relay"),
        ("EnvironmentFile", "-/etc/outbox-relay/environment"), ("WantedBy", "multi-user.target"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
    ])
    func says(_ name: String, _ value: String) throws {
        #expect(try settings()[name] == [value])
    }

    @Test func holdsNoSecretAndNoListener() throws {
        let unit = try Deploy.text("systemd/outbox-relay.service")
        #expect(!unit.contains("--listen") && !unit.contains("PGPASSWORD"))
    }

    /// What systemd itself thinks of it, where there is one; the settings above are checked either way.
    @Test func systemdAcceptsIt() async throws {
        let unit = FileManager.default.temporaryDirectory
            .appendingPathComponent("unit-\(UUID().uuidString)/outbox-relay.service")
        let folder = unit.deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // It looks for the program, which is not installed here.
        let text = try Deploy.text("systemd/outbox-relay.service").replacing("/usr/bin/outbox-relay", with: "/bin/true")
        #expect(text.contains("ExecStart=/bin/true run"))
        try text.write(to: unit, atomically: true, encoding: .utf8)
        let script = "command -v systemd-analyze >/dev/null || exit 0; systemd-analyze verify --man=no \"$0\""
        let verified = try await run(["sh", "-c", script, unit.path])
        #expect(verified.status == .exited(0) && verified.errors.isEmpty, "\(verified.errors)")
    }
}
