import RelayConfiguration
import Testing
import WebhookSink

@Suite("Flags, environment and file into one value")
struct ResolutionTests {
    private func resolve(
        flags: [OptionKey: String] = [:], sinks: [String] = [], environment: [String: String] = [:], yaml: String? = nil
    ) throws -> RelayOptions {
        let file = yaml.map { ConfigurationFile(yaml: $0, path: "relay.yaml") }
        let layers = ConfigurationLayers(flags: flags, sinkFlags: sinks, environment: environment, file: file)
        return try RelayOptions(resolving: layers)
    }

    @Test func nothingSaidMeansTheDefaults() throws {
        #expect(try resolve() == RelayOptions())
        #expect(try resolve(yaml: "") == RelayOptions())
        #expect(try resolve(environment: ["OUTBOX_RELAY_MODE": "", "MODE": "wal"], yaml: "mode: ~") == RelayOptions())
    }

    @Test(arguments: OptionKey.allCases)
    func flagBeatsEnvironmentBeatsFile(_ key: OptionKey) throws {
        let (a, b, c) = samples(key)
        let inFile = try resolve(yaml: "\(key.rawValue): \(a)")
        let inEnvironment = try resolve(environment: [key.variable: b])
        let inFlag = try resolve(flags: [key: c])
        #expect(try resolve(environment: [key.variable: b], yaml: "\(key.rawValue): \(a)") == inEnvironment)
        #expect(try resolve(flags: [key: c], environment: [key.variable: b], yaml: "\(key.rawValue): \(a)") == inFlag)
        #expect(inFile != inEnvironment && inEnvironment != inFlag)
    }

    /// Three values, neighbours of which differ.
    private func samples(_ key: OptionKey) -> (String, String, String) {
        switch key {
        case .mode: ("wal", "poll", "wal")
        case .order: ("none", "id", "none")
        case .untilDrained: ("true", "no", "on")
        case .logFormat: ("json", "text", "json")
        case .logLevel: ("debug", "error", "trace")
        case .database, .source: ("urn:a", "/b", "c")
        case .batchSize, .window: ("10", "20", "30")
        case .memory, .maxSlotWAL: ("2MiB", "3MiB", "4MiB")
        case .leaderTimeout, .pollInterval, .claimTimeout, .shutdownTimeout: ("600ms", "1s", "2m")
        case .otlp: ("http://a:4318", "http://b:4318", "http://c:4318")
        case .listen: ("127.0.0.1:9187", "[::1]:0", "localhost:9187")
        case .keepPublished: ("1m", "7d", "3650d")
        }
    }

    @Test func aListReplacesTheLowerOne() throws {
        let yaml = "sinks:\n  - {name: f, to: 'file:/f'}\n  - to: stdout"
        #expect(try resolve(yaml: yaml).sinks.map(\.name) == ["f", "stdout"])
        let environment = ["OUTBOX_RELAY_SINK": " a=stdout  https://h/ "]
        #expect(try resolve(environment: environment, yaml: yaml).sinks.map(\.name) == ["a", "webhook"])
        #expect(try resolve(sinks: ["c=stdout"], environment: environment, yaml: yaml).sinks.map(\.name) == ["c"])
    }

    @Test(arguments: [
        (OptionKey.mode, "push"), (.order, "key"), (.logLevel, "loud"), (.logFormat, "xml"), (.untilDrained, "maybe"),
        (.batchSize, "0"), (.batchSize, "100001"), (.batchSize, "ten"), (.batchSize, "+5"), (.window, "1000001"),
        (.memory, "1B"), (.memory, "64MB"), (.maxSlotWAL, "0"), (.pollInterval, "0ms"), (.pollInterval, "5"),
        (.leaderTimeout, "100ms"), (.leaderTimeout, "6m"), (.claimTimeout, "1h"), (.shutdownTimeout, "2h"),
        (.listen, "9187"), (.listen, ":9187"), (.listen, "127.0.0.1"), (.listen, "::1:9187"), (.listen, "[::1]"),
        (.listen, "localhost:65536"), (.listen, "localhost:+1"), (.listen, "http://localhost:80"), (.listen, "a b:1"),
        (.keepPublished, "59s"), (.keepPublished, "3651d"), (.keepPublished, "7"), (.keepPublished, "never"),
    ])
    func aBadValueIsNamedWithItsPlace(_ key: OptionKey, _ text: String) throws {
        let flag = try onlyProblem { try resolve(flags: [key: text]) }
        #expect(flag.kind == .usage)
        #expect(flag.message.hasPrefix("\(key.flag): "))
        let variable = try onlyProblem {
            try resolve(environment: [key.variable: text])
        }
        #expect(variable.kind == .configuration)
        #expect(variable.message.hasPrefix("\(key.variable): "))
        let file = try onlyProblem { try resolve(yaml: "\n\(key.rawValue): '\(text)'") }
        #expect(file.kind == .configuration)
        #expect(file.message.hasPrefix("relay.yaml:2: \(key.rawValue): "))
    }

    @Test func whatTheFileSaysIsCheckedEvenWhereItIsReplaced() {
        #expect(throws: ConfigurationProblems.self) { try resolve(flags: [.mode: "wal"], yaml: "mode: push") }
        #expect(throws: ConfigurationProblems.self) { try resolve(sinks: ["stdout"], yaml: "sinks: [{to: ftp}]") }
    }

    @Test func aWrongURIOrSpecIsConfigurationEvenInAFlag() throws {
        for run in [{ try resolve(flags: [.source: "a b"]) }, { try resolve(sinks: ["stdin"]) }] {
            #expect(try onlyProblem { try run() }.kind == .configuration)
        }
    }

    @Test(arguments: [
        (["stdout", "stdout=file:/a"], RelayOptions.Mode.poll, RelayOptions.Order.id),
        (["stdout", "b=stdout"], .poll, .id), (["a=file:/x/../y", "b=file:/y"], .poll, .id),
        (["file:y", "b=file:./y"], .poll, .id), (["stdout"], .wal, .none), (["stdout", "file:/a"], .poll, .none),
    ])
    func combinationsThatCannotBe(_ sinks: [String], _ mode: RelayOptions.Mode, _ order: RelayOptions.Order) throws {
        let problem = try onlyProblem {
            try resolve(flags: [.mode: mode.rawValue, .order: order.rawValue], sinks: sinks)
        }
        #expect(problem.kind == .configuration)
    }

    /// Nobody leads there, so nobody purges.
    @Test func withoutOrderNothingIsKeptForATime() throws {
        let problem = try onlyProblem {
            try resolve(flags: [.order: "none", .keepPublished: "7d"])
        }
        #expect(problem.kind == .configuration)
        #expect(problem.message.contains("run outbox-relay purge"))
        #expect(try resolve(flags: [.keepPublished: "7d"]).keepPublished == .seconds(7 * 86_400))
    }

    @Test func unknownVariablesAreWarnedOf() {
        let layers = ConfigurationLayers(environment: [
            "OUTBOX_RELAY_POL_INTERVAL": "1s", "OUTBOX_RELAY_LISTEN": "", "OUTBOX_RELAY_CONFIG": "x", "OTHER": "1",
        ])
        #expect(layers.warnings.count == 1)
        #expect(layers.warnings.first?.contains("OUTBOX_RELAY_POL_INTERVAL") == true)
    }

    /// With order none a claim holds an event until it is delivered: no request may take longer than that.
    @Test func withoutOrderARequestIsShorterThanItsClaim() throws {
        func timeout(_ options: RelayOptions) -> Duration? {
            guard case .webhook(let webhook)? = options.sinks.first?.destination else { return nil }
            return webhook.timeout
        }
        let sinks = ["https://h/"]
        #expect(timeout(try resolve(sinks: sinks)) == .seconds(30))
        #expect(timeout(try resolve(flags: [.order: "none"], sinks: sinks)) == .seconds(4))
        #expect(
            timeout(try resolve(flags: [.order: "none", .claimTimeout: "100ms"], sinks: sinks)) == .milliseconds(80))
        #expect(timeout(try resolve(flags: [.order: "none", .claimTimeout: "1m"], sinks: sinks)) == .seconds(30))
        func yaml(_ timeout: String) -> String { "sinks: [{name: a, to: 'https://h/', timeout: \(timeout)}]" }
        let problem = try onlyProblem {
            try resolve(flags: [.order: "none"], yaml: yaml("5s"))
        }
        #expect(problem.kind == .configuration)
        #expect(problem.message.contains("sink a, 5s, must be below the claim timeout of 5s"))
        #expect(problem.message.contains("lower timeout, or raise --claim-timeout"))
        #expect(timeout(try resolve(flags: [.order: "none"], yaml: yaml("4999ms"))) == .milliseconds(4999))
        #expect(timeout(try resolve(yaml: yaml("5s"))) == .seconds(5))
    }
}
