import RelayConfiguration
import Testing

@Suite("The YAML file")
struct ConfigurationFileTests {
    @Test(arguments: [
        ("mode: [poll]", "relay.yaml:1: mode must be"),
        ("- mode", "relay.yaml:1: the file must be a mapping"),
        ("mode: poll\nmode: wal", "stands there twice"),
        ("mode: poll\n\nmodus: wal", "relay.yaml:3: the key 'modus' is unknown"),
        ("outboxes: []", "relay.yaml:1: 'outboxes' is not supported yet by this version"),
        ("listen: 127.0.0.1:9187", "'listen' is not supported yet"),
        ("sinks: []", "relay.yaml:1: sinks must be a list"),
        ("sinks: stdout", "relay.yaml:1: sinks must be a list"),
        ("sinks: [stdout]", "an entry of sinks must be a mapping"),
        ("sinks:\n  - name: a", "relay.yaml:2: this sink has no 'to'"),
        ("sinks:\n  - to: stdout\n    batch: 5", "relay.yaml:3: 'batch' is not supported yet"),
        ("sinks:\n  - to: stdout\n    colour: red", "relay.yaml:3: the key 'colour' is unknown"),
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

    @Test func aBrokenLineIsNotShown() throws {
        let problem = try #require(throws: ConfigurationProblem.self) {
            try ConfigurationFile(yaml: "database: host=x: password=secret", path: "relay.yaml")
        }
        #expect(!problem.message.contains("secret"))
    }
}
