import Testing

@testable import RelayConfiguration

/// What `config show` may show.
@Suite("The effective configuration")
struct EffectiveConfigurationTests {
    private func effective(
        flags: [OptionKey: String] = [:], sinks: [String] = [], environment: [String: String] = [:], yaml: String? = nil
    ) throws -> EffectiveConfiguration {
        let layers = ConfigurationLayers(
            flags: flags, sinkFlags: sinks, environment: environment,
            file: yaml.map { ConfigurationFile(yaml: $0, path: "relay.yaml") })
        return EffectiveConfiguration(try Resolution(layers), database: "dbname=x password=…")
    }

    private func option(_ key: OptionKey, _ shown: EffectiveConfiguration) throws -> EffectiveConfiguration.Option {
        try #require(shown.options.first { $0.key == key })
    }

    @Test func everyOptionHasItsDefault() throws {
        let shown = try effective()
        #expect(shown.options.map(\.key) == OptionKey.allCases && shown.file == nil)
        #expect(shown.options.allSatisfy { $0.origin.layer == .default && $0.origin.place == nil })
        #expect(try option(.memory, shown).value == "64MiB" && option(.listen, shown).value == nil)
        #expect(shown.sinks.map(\.name) == ["stdout"] && shown.sinks[0].origin.layer == .default)
    }

    /// What is shown of a value is read as the same.
    @Test func aShownValueIsThatOfTheOption() throws {
        let yaml = "memory: 128MiB\nleader_timeout: 60s\nlisten: '[::1]:9187'\nuntil_drained: yes"
        let shown = try effective(yaml: yaml)
        for (key, value) in [
            (OptionKey.memory, "128MiB"), (.leaderTimeout, "1m"), (.listen, "[::1]:9187"), (.untilDrained, "true"),
        ] {
            #expect(try option(key, shown).value == value)
        }
    }

    @Test func theLayerAndThePlace() throws {
        let shown = try effective(
            flags: [.window: "7"], environment: ["OUTBOX_RELAY_MODE": "wal", "OUTBOX_RELAY_WINDOW": "8"],
            yaml: "mode: poll\n\nbatch_size: 9\nwindow: 6")
        #expect(
            try option(.window, shown)
                == .init(key: .window, value: "7", origin: .init(layer: .flag, place: "--window")))
        #expect(
            try option(.mode, shown)
                == .init(key: .mode, value: "wal", origin: .init(layer: .environment, place: "OUTBOX_RELAY_MODE")))
        #expect(
            try option(.batchSize, shown)
                == .init(key: .batchSize, value: "9", origin: .init(layer: .file, place: "relay.yaml:3")))
    }

    @Test func whatTheFileSaysOfASink() throws {
        let shown = try effective(
            yaml: """
                sinks:
                  - name: hook
                    to: https://h:8443/hunter2?key=hunter2
                    secret_files: [/s, ./t]
                    headers: {x-tenant: hunter2}
                    header_files: {authorization: /token}
                    retry: {max: 1m}
                    timeout: ~
                """)
        let sink = try #require(shown.sinks.first)
        #expect(sink.name == "hook" && sink.origin.place == "relay.yaml:2")
        #expect(
            sink.values.map(\.key) == [
                "name", "to", "secret_files", "headers.x-tenant", "header_files.authorization", "retry.max",
            ])
        #expect(
            sink.values.map(\.text) == [
                .one("hook"), .one("https://h:8443/…"), .list(["/s", "./t"]), .one("…"), .one("/token"), .one("1m"),
            ])
        #expect(sink.values.map(\.origin.place).last == "relay.yaml:7")
        #expect(!"\(shown)".contains("hunter2"))
    }

    @Test func noUserOfAURL() throws {
        let shown = try effective(flags: [.source: "https://me:hunter2@h/x", .database: "password=hunter2"])
        #expect(try option(.source, shown).value == "https://…@h/x")
        #expect(try option(.database, shown).value == "dbname=x password=…")
        #expect(!"\(shown)".contains("hunter2"))
    }

    @Test func sinksOfALayerAbove() throws {
        let yaml = "sinks: [{name: f, to: 'file:/f', file_mode: '0600'}]"
        let flags = try effective(sinks: ["a=https://h/x", "stdout"], yaml: yaml)
        #expect(flags.sinks.map(\.name) == ["a", "stdout"] && flags.sinks[0].origin.place == "--sink")
        #expect(flags.sinks[0].values.map(\.text) == [.one("https://h/…")])
        let variable = try effective(environment: ["OUTBOX_RELAY_SINK": "a=file:/x"], yaml: yaml)
        #expect(variable.sinks.map(\.origin.layer) == [.environment])
    }
}
