import Foundation
import RelayTestKit
import Testing

/// `deploy/prometheus`
@Suite struct AlertTests {
    private static let rules = Deploy.folder.appendingPathComponent("prometheus/alerts.yaml").path
    private static let tests = Deploy.folder.appendingPathComponent("prometheus/alerts.test.yaml").path

    @Test func promtoolAcceptsTheRules() async throws {
        let checked = try await Promtool.run(["check", "rules", Self.rules])
        #expect(checked.status == .exited(0), "\(checked.output) \(checked.errors)")
    }

    /// Each cause fires its own alert and none of the others: the table of causes and alerts.
    @Test func eachCauseFiresItsAlert() async throws {
        let tested = try await Promtool.run(["test", "rules", Self.tests])
        #expect(tested.status == .exited(0), "\(tested.output) \(tested.errors)")
    }

    /// Alerts that the table expects at some cause.
    private static func expected() throws -> Set<String> {
        Set(
            try Deploy.text("prometheus/alerts.test.yaml").matches(of: /labels: '\{alertname="(\w+)"\}'/)
                .map { String($0.output.1) })
    }

    @Test func everyAlertHasItsCause() throws {
        #expect(try Self.expected() == AlertRules.read().names)
    }

    /// With one alert left out, the table notices.
    @Test func theTableNoticesAnAlertThatIsMissing() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("alerts-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Deploy.text("prometheus/alerts.test.yaml").write(
            to: folder.appendingPathComponent("alerts.test.yaml"), atomically: true, encoding: .utf8)
        let rules = try Deploy.text("prometheus/alerts.yaml")
        let other = rules.replacing("alert: OutboxRelaySinkDown\n", with: "alert: OutboxRelaySinkAway\n")
        #expect(other != rules)
        try other.write(to: folder.appendingPathComponent("alerts.yaml"), atomically: true, encoding: .utf8)
        let tested = try await Promtool.run(
            ["test", "rules", folder.appendingPathComponent("alerts.test.yaml").path])
        #expect(tested.status == .exited(1))
    }

    @Test func everyAlertSaysWhatItIs() throws {
        for rule in try AlertRules.read().alerts {
            let name = try #require(rule.alert)
            #expect(rule.for != nil, "\(name)")
            #expect(["critical", "warning"].contains(rule.labels?["severity"]), "\(name)")
            #expect(Set((rule.annotations ?? [:]).keys) == ["summary", "description", "runbook"], "\(name)")
            #expect(rule.annotations?["description"]?.contains("$value") == true, "\(name) has no number")
            #expect(rule.annotations?["description"]?.contains("`") == true, "\(name) has no command")
            #expect(rule.annotations?["runbook"] == "docs/runbook.md#\(name.lowercased())")
        }
    }

    @Test func everyMetricExists() async throws {
        let exposed = try await ExposingRelay.busyExposition()
        let rules = try AlertRules.read()
        for rule in rules.all {
            let unknown = exposed.unknown(in: rule.expr, recorded: rules.recorded)
            #expect(unknown.isEmpty, "\(rule.alert ?? rule.record ?? "")")
        }
        // It would be noticed.
        #expect(
            exposed.unknown(in: #"sum by (what) (outbox_relay_lag{outcome="lost"})"#)
                == ["outbox_relay_lag", "what", "lost"])
    }
}
