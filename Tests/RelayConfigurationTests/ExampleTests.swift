import Foundation
@testable import RelayConfiguration
import RelayCore
import Testing
import WebhookSink

@Suite("deploy/outbox-relay.example.yaml")
struct ExampleTests {
    private func text() throws -> String {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        return try String(contentsOf: root.appendingPathComponent("deploy/outbox-relay.example.yaml"), encoding: .utf8)
    }

    @Test func everyLineIsAccepted() throws {
        let file = ConfigurationFile(yaml: try text(), path: "relay.yaml")
        let options = try RelayOptions(resolving: ConfigurationLayers(file: file))
        #expect(options.sinks.map(\.name) == ["audit", "billing", "search", "stdout"])
        #expect(options.sinks.map(\.destination.kind) == [.file, .webhook, .webhook, .stdout])
    }

    @Test func everyKeyIsShown() throws {
        let file = ConfigurationFile(yaml: try text(), path: "relay.yaml")
        #expect(Set(file.values.keys) == Set(OptionKey.allCases))
        let keys = Set((file.sinks ?? []).flatMap { $0.entries.map(\.key) })
        #expect(keys == Set(SinkKey.allCases.map(\.rawValue)))
    }

    /// Beside mode, database and what is nowhere without it, what it says of single options is their default.
    @Test func itShowsTheDefaults() throws {
        let file = ConfigurationFile(yaml: try text(), path: "relay.yaml")
        var options = try RelayOptions(resolving: ConfigurationLayers(file: file))
        options.mode = .poll
        options.database = ""
        options.listen = nil
        options.otlp = nil
        options.keepPublished = nil
        options.sinks = RelayOptions().sinks
        #expect(options == RelayOptions())
        let billing = try RelayOptions(resolving: ConfigurationLayers(file: file)).sinks[1]
        #expect(billing.lane == LanePolicy())
        guard case .webhook(let webhook) = billing.destination else {
            Issue.record("not a webhook")
            return
        }
        let plain = WebhookSettings(name: "billing", url: webhook.url)
        #expect(webhook.timeout == plain.timeout && webhook.contentMode == plain.contentMode)
        #expect(webhook.connectTimeout == plain.connectTimeout && webhook.idleTimeout == plain.idleTimeout)
    }
}
