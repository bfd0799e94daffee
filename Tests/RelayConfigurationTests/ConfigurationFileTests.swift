import RelayConfiguration
import Testing

@Suite("The YAML file")
struct ConfigurationFileTests {
    @Test(arguments: [
        ("mode: [poll]", "relay.yaml:1: mode: must be a single value"),
        ("- mode", "relay.yaml:1: the file must be a mapping"),
        ("mode: poll\nmode: wal", "stands there twice"),
        ("mode: poll\n\nmodus: wal", "relay.yaml:3: the key 'modus' is unknown"),
        ("outboxes: []", "relay.yaml:1: 'outboxes' is not supported yet by this version"),
        ("listen: 127.0.0.1:9187", "'listen' is not supported yet"),
        ("sinks: []", "relay.yaml:1: sinks must be a list"),
        ("sinks: stdout", "relay.yaml:1: sinks must be a list"),
        ("sinks: [stdout]", "relay.yaml:1: sinks[0] must be a mapping"),
        ("a: &a [x]\nb: &b [\(references("a", 100))]\nc: [\(references("b", 100))]", "use fewer aliases"),
        ("mode: 'poll", "not valid YAML"),
        ("a: b: c", "relay.yaml:1:5: not valid YAML"),
    ])
    func refused(_ yaml: String, _ part: String) throws {
        let problem = try #require(throws: ConfigurationProblem.self) {
            try ConfigurationFile(yaml: yaml, path: "relay.yaml")
        }
        #expect(problem.exitCode == 78)
        #expect(problem.message.contains(part), "\(problem.message)")
    }

    private static func references(_ anchor: String, _ count: Int) -> String {
        Array(repeating: "*\(anchor)", count: count).joined(separator: ", ")
    }

    @Test func aHugeFileIsNotRead() throws {
        let problem = try #require(throws: ConfigurationProblem.self) {
            try ConfigurationFile(yaml: String(repeating: "#\n", count: 1 << 20), path: "relay.yaml")
        }
        #expect(problem.message.contains("larger than 1MiB"))
    }

    @Test func aBrokenLineIsNotShown() throws {
        let problem = try #require(throws: ConfigurationProblem.self) {
            try ConfigurationFile(yaml: "database: host=x: password=secret", path: "relay.yaml")
        }
        #expect(!problem.message.contains("secret"))
    }
}
