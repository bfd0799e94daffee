import RelayConfiguration
import Testing

@Suite("The YAML file")
struct ConfigurationFileTests {
    @Test(arguments: [
        ("mode: [poll]", "relay.yaml:1: mode: must be a single value"),
        ("- mode", "relay.yaml:1: the file must be a mapping"),
        ("mode: poll\nmode: wal", "is given twice"),
        ("mode: poll\n\nmodus: wal", "relay.yaml:3: the key 'modus' is unknown"),
        ("outboxes: []", "relay.yaml:1: 'outboxes' is not supported yet by this version"),
        ("outboxes: []", "'outboxes' is not supported yet"),
        ("sinks: []", "relay.yaml:1: sinks must be a list"),
        ("sinks: stdout", "relay.yaml:1: sinks must be a list"),
        ("sinks: [stdout]", "relay.yaml:1: sinks[0] must be a mapping"),
        ("a: &a [x]\nb: &b [\(references("a", 100))]\nc: [\(references("b", 100))]", "use fewer aliases"),
        ("mode: 'poll", "not valid YAML"),
        ("a: b: c", "relay.yaml:1:5: not valid YAML"),
    ])
    func refused(_ yaml: String, _ part: String) throws {
        let problem = try onlyProblem {
            try read(yaml)
        }
        #expect(problem.kind == .configuration)
        #expect(problem.message.contains(part), "\(problem.message)")
    }

    private func read(_ yaml: String) throws -> RelayOptions {
        try RelayOptions(resolving: ConfigurationLayers(file: ConfigurationFile(yaml: yaml, path: "relay.yaml")))
    }

    private static func references(_ anchor: String, _ count: Int) -> String {
        Array(repeating: "*\(anchor)", count: count).joined(separator: ", ")
    }

    @Test func aHugeFileIsNotRead() throws {
        let problem = try onlyProblem {
            try read(String(repeating: "#\n", count: 1 << 20))
        }
        #expect(problem.message.contains("larger than 1MiB"))
    }

    /// As a value, where it would only be large, and as a key, where the parser hashes all that it stands for.
    @Test(arguments: [" ", ", ", "\n  - "], ["z: *a30", "*a30 : z", "? [*a30]\n: z", "{*a30 : z}"])
    func aliasesToAliasesAreRefusedBeforeTheyAreParsed(_ space: String, _ end: String) throws {
        let lines = (1...30).map { number in
            "a\(number): &a\(number) [\(Self.references("a\(number - 1)", 9).replacing(", ", with: ",\(space)"))]"
        }
        let problem = try onlyProblem {
            try read("a0: &a0 x\n" + lines.joined(separator: "\n") + "\n\(end)")
        }
        #expect(problem.kind == .configuration)
        #expect(problem.message.hasPrefix("relay.yaml has 31 anchors and 271 aliases, "), "\(problem.message)")
    }

    /// What people do with them.
    @Test func anchorsThatManySinksShareAreRead() throws {
        let sinks = (1...60).map { "  - {name: s\($0), to: 'http://h/\($0)', retry: *retry, include: *types}" }
        let yaml = """
            sinks:
              - {name: s0, to: 'http://h/0', retry: &retry {base: 1s, max: 2s}, include: &types ["a.*", 'b.*']}
            \(sinks.joined(separator: "\n"))
            """
        let layers = ConfigurationLayers(file: ConfigurationFile(yaml: yaml, path: "relay.yaml"))
        #expect(try RelayOptions(resolving: layers).sinks.count == 61)
    }

    @Test func aBrokenLineIsNotShown() throws {
        let problem = try onlyProblem {
            try read("database: host=x: password=secret")
        }
        #expect(!problem.message.contains("secret"))
    }
}
