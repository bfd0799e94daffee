import Foundation
import RelayTestKit
import Testing

/// `deploy/systemd/outbox-relay.service` and `outbox-relay@.service`
@Suite struct UnitTests {
    private static let units = ["outbox-relay.service", "outbox-relay@.service"]

    /// The lines of a unit that set something.
    private func lines(_ unit: String) throws -> [String] {
        try Deploy.text("systemd/\(unit)").split(separator: "\n").map(String.init).filter { !$0.hasPrefix("#") }
    }

    private func settings(_ unit: String) throws -> [String: [String]] {
        try lines(unit).reduce(into: [:]) { settings, line in
            guard let mark = line.firstIndex(of: "=") else { return }
            settings[String(line[..<mark]), default: []].append(String(line[line.index(after: mark)...]))
        }
    }

    @Test(arguments: [
        ("Type", "notify"), ("NotifyAccess", "main"), ("ExecStart", "/usr/bin/outbox-relay run"), ("Restart", "always"),
        ("RestartPreventExitStatus", "64 77 78"), ("StartLimitIntervalSec", "0"), ("TimeoutStopSec", "20s"),
        ("WatchdogSec", "30s"), ("DynamicUser", "yes"), ("NoNewPrivileges", "yes"), ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"), ("PrivateDevices", "yes"), ("CapabilityBoundingSet", ""), ("LimitCORE", "0"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6 AF_NETLINK"), ("StateDirectory", "%N"),
        ("LogsDirectory", "%N"),
        ("EnvironmentFile", "-/etc/outbox-relay/environment"), ("WantedBy", "multi-user.target"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
    ])
    func says(_ name: String, _ value: String) throws {
        #expect(try settings(Self.units[0])[name] == [value])
    }

    @Test func listensForThisMachineAlone() throws {
        #expect(try settings(Self.units[0])["Environment"]?.first == "OUTBOX_RELAY_LISTEN=127.0.0.1:9187")
    }

    /// An instance differs in what it is called, in what it reads, and in having no port of the unit's.
    @Test func theInstanceIsTheSame() throws {
        let own = ["Description=", "Environment=OUTBOX_RELAY_", "EnvironmentFile="]
        let (unit, instance) = (try lines(Self.units[0]), try lines(Self.units[1]))
        let isShared = { (line: String) in !own.contains { line.hasPrefix($0) } }
        #expect(unit.filter(isShared) == instance.filter(isShared))
        let settings = try settings(Self.units[1])
        #expect(settings["Environment"]?.first == "OUTBOX_RELAY_CONFIG=/etc/outbox-relay/%i.yaml")
        #expect(settings["EnvironmentFile"] == ["-/etc/outbox-relay/%i.environment"])
        // Comments too, from the first line on that both share.
        let shared = try Self.units.map { try #require(try Deploy.text("systemd/\($0)").ranges(of: "\nType=").first) }
        let texts = try zip(Self.units, shared).map { unit, start in
            String(try Deploy.text("systemd/\(unit)")[start.lowerBound...])
        }
        #expect(texts[0] == texts[1])
    }

    @Test(arguments: units) func holdsNoSecretAndNoListener(_ unit: String) throws {
        let unit = try Deploy.text("systemd/\(unit)")
        #expect(!unit.contains("--listen") && !unit.contains("PGPASSWORD"))
    }

    /// What systemd itself thinks of both.
    @Test(arguments: units) func systemdAcceptsIt(_ name: String) async throws {
        try await withCopy(of: name) { unit in
            let verified = try await run(["systemd-analyze", "verify", "--man=no", unit])
            #expect(verified.status == .exited(0) && verified.output.isEmpty && verified.errors.isEmpty, "\(verified)")
        }
    }

    /// An exposure above 1.5 fails.
    @Test(arguments: units) func exposesLittle(_ name: String) async throws {
        try await withCopy(of: name) { unit in
            let judged = try await run(
                ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", unit])
            #expect(judged.status == .exited(0), "\(judged.output) \(judged.errors)")
            #expect(judged.output.contains("Overall exposure level"))
        }
    }

    /// In a folder of its own. It looks for the program, which is not installed here.
    private func withCopy(of name: String, _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("unit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let text = try Deploy.text("systemd/\(name)").replacing("/usr/bin/outbox-relay", with: "/bin/true")
        #expect(text.contains("ExecStart=/bin/true run"))
        let unit = folder.appendingPathComponent(name)
        try text.write(to: unit, atomically: true, encoding: .utf8)
        try await body(unit.path)
    }
}
