import RelayConfiguration
import Testing

/// Whatever is wrong is told at once, each with its place.
@Suite("Every problem at once")
struct EveryProblemTests {
    private func problems(
        flags: [OptionKey: String] = [:], sinks: [String] = [], environment: [String: String] = [:], yaml: String = ""
    ) throws -> ConfigurationProblems {
        let layers = ConfigurationLayers(
            flags: flags, sinkFlags: sinks, environment: environment,
            file: ConfigurationFile(yaml: yaml, path: "relay.yaml"))
        return try #require(throws: ConfigurationProblems.self) { try RelayOptions(resolving: layers) }
    }

    /// A mistake of every kind of place, and between them what is right.
    private static let file = """
        mode: push
        batch_size: 10
        poll_interval: soon
        modus: wal
        window: [1]
        sinks:
          - {name: a b, to: stdout}
          - {name: hook, to: "https://h/", timeout: 0s, retry: {base: 2m, mix: 1s}}
          - {name: hook2, to: "gopher://h/", include: x}
          - name: log
            to: file:/var/log/x
            batch: 5
            file_mode: rw
            token: hunter2
          - {name: log, to: stdout}
        """

    private static let places = [
        "relay.yaml:1: mode: ", "relay.yaml:3: poll_interval: ", "relay.yaml:4: the key 'modus'",
        "relay.yaml:5: window: ",
        "relay.yaml:7: sinks[0].name: ", "relay.yaml:8: sinks.hook.retry: the key 'mix'",
        "relay.yaml:8: sinks.hook.retry.base: ", "relay.yaml:8: sinks.hook.timeout: ", "relay.yaml:9: sinks[2].to: ",
        "relay.yaml:9: sinks.hook2.include: ", "relay.yaml:12: sinks.log.batch: ",
        "relay.yaml:13: sinks.log.file_mode: ",
        "relay.yaml:14: sinks.log.token: ", "relay.yaml:15: sinks.log.to: two sinks are named",
        "relay.yaml:15: sinks.log.to: sinks stdout and log both write to stdout",
    ]

    @Test func aFileWithManyMistakes() throws {
        let problems = try problems(yaml: Self.file)
        #expect(problems.kind == .configuration)
        let messages = problems.all.map(\.message)
        #expect(messages.count == Self.places.count, "\(messages.joined(separator: "\n"))")
        for place in Self.places {
            #expect(messages.count { $0.hasPrefix(place) } == 1, "\(place)\n\(messages.joined(separator: "\n"))")
        }
        let lines = messages.compactMap { $0.split(separator: ":").dropFirst().first.flatMap { Int($0) } }
        #expect(lines == lines.sorted() && lines.count == messages.count)
        // A sentence with its remedy, on one line, and no secret.
        #expect(messages.allSatisfy { $0.contains("; ") && !$0.contains("\n") && !$0.contains("hunter2") })
    }

    @Test func ofTheCommandLineFirstAndItDecides() throws {
        let problems = try problems(
            flags: [.batchSize: "0", .source: "a b"], sinks: ["stdin", "ftp://x"],
            environment: ["OUTBOX_RELAY_WINDOW": "many", "OUTBOX_RELAY_BATCH_SIZE": "many"], yaml: "mode: push")
        #expect(problems.kind == .usage)
        #expect(problems.all.first?.message.hasPrefix("--batch-size: ") == true)
        let places = problems.all.map { $0.message.prefix { $0 != " " } }
        // A variable that a flag replaces counts for nothing.
        #expect(
            Set(places) == [
                "--batch-size:", "relay.yaml:1:", "--source:", "OUTBOX_RELAY_WINDOW:", "--sink:",
            ])
        #expect(problems.all.count == 6)
    }

    @Test(arguments: [
        (["batch_size"], [], [], ConfigurationProblem.Kind.configuration),
        ([], [OptionKey.source], [], .configuration), ([], [], ["OUTBOX_RELAY_MODE"], .configuration),
        (["batch_size"], [.mode], [], .usage), ([], [.mode], ["OUTBOX_RELAY_WINDOW"], .usage),
        ([], [.mode], [], .usage),
    ])
    func usageBeatsConfiguration(
        _ file: [String], _ flags: [OptionKey], _ variables: [String], _ kind: ConfigurationProblem.Kind
    ) throws {
        let problems = try problems(
            flags: Dictionary(uniqueKeysWithValues: flags.map { ($0, "a b") }),
            environment: Dictionary(uniqueKeysWithValues: variables.map { ($0, "a b") }),
            yaml: file.map { "\($0): a b" }.joined(separator: "\n"))
        #expect(problems.kind == kind)
        #expect(problems.all.count == file.count + flags.count + variables.count)
    }

    @Test func whatIsNotYAMLEndsTheFileAlone() throws {
        let problems = try problems(
            flags: [.window: "0"], environment: ["OUTBOX_RELAY_MODE": "tape"], yaml: "batch_size: 0\nmode: 'poll")
        #expect(problems.all.count == 3)
        #expect(problems.all.count { $0.message.contains("not valid YAML") } == 1)
    }

    /// What is made of several values is judged where each of them is right, so that one mistake is told once.
    @Test(arguments: [
        ("order: none\nmode: tape\nsinks: [{to: stdout}]", 1), ("order: nine\nmode: wal", 1),
        ("order: [none]\nmode: wal", 1),
        ("order: none\nsinks: [{to: stdout}, {to: nothing}]", 1), ("order: none\nsinks: [{to: stdout}, x]", 1),
        ("order: none\nclaim_timeout: soon\nsinks: [{to: 'http://h/', timeout: 7s}]", 1),
        ("order: none\nclaim_timeout: [10s]\nsinks: [{to: 'http://h/', timeout: 7s}]", 1),
        ("sinks: [{to: 'http://h/', order: nine, concurrency: 4}]", 1),
        ("sinks: [{to: 'http://h/', retry: {base: 1h, max: 1ms}}]", 1),
        ("sinks: [{to: 'https://h/', tls: {cert: x, key: /k}}]", 1),
        // All of what is right and does not go together.
        ("order: none\nmode: wal\nsinks: [{to: stdout}, {to: 'http://h/', timeout: 7s, order: key}]", 4),
    ])
    func combinations(_ yaml: String, _ count: Int) throws {
        let problems = try problems(yaml: yaml)
        #expect(problems.all.count == count, "\(problems.all.map(\.message))")
    }

    @Test func aCombinationHasThePlaceOfItsOption() throws {
        let problems = try problems(environment: ["OUTBOX_RELAY_ORDER": "none"], yaml: "mode: wal")
        #expect(
            problems.all.map { $0.message.hasPrefix("OUTBOX_RELAY_ORDER: order none works in poll mode") } == [true])
    }
}
