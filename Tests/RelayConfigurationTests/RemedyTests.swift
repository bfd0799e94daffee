import RelayConfiguration
import Testing

/// What the configuration advises, done: each file is refused, and the same file changed as the refusal says is read.
@Suite("Remedies of the configuration")
struct RemedyTests {
    struct Advice: Sendable, CustomTestStringConvertible {
        var words: String
        var wrong: String
        var right: String

        init(_ words: String, _ wrong: String, _ right: String) {
            (self.words, self.wrong, self.right) = (words, wrong, right)
        }

        var testDescription: String { words }
    }

    private static func sinks(_ count: Int, _ more: String = "") -> String {
        "sinks:\n" + (1...count).map { "  - {name: s\($0), to: 'http://h/\($0)'\(more)}\n" }.joined()
    }

    private static func sink(_ entry: String) -> String { "sinks: [{\(entry)}]" }

    private static func list(_ count: Int) -> String { (1...count).map { "'t\($0)'" }.joined(separator: ", ") }

    private static let advice = [
        Advice("one relay serves up to 1000; remove some", sinks(1001), sinks(1000)),
        Advice("write fewer of them, or use fewer aliases", sinks(1000, ", include: [a, b, c, d, e, f]"), sinks(1000)),
        Advice(
            "write out what they repeat, or use fewer aliases",
            sink("to: 'http://h/', include: [\((1...40).map { "&a\($0) a, *a\($0)" }.joined(separator: ", "))]"),
            sink("to: 'http://h/', include: [\(list(40))]")),
        Advice(
            "remove some", sink("to: 'http://h/', include: [\(list(2000))]"), sink("to: 'http://h/', include: [a]")),
        Advice("write [VALUE, …]", sink("to: 'http://h/', include: x"), sink("to: 'http://h/', include: [x]")),
        Advice("write one", "mode: [poll]", "mode: poll"),
        Advice("write '- {name: NAME, to: SPEC}'", "sinks: stdout", "sinks:\n- {name: a, to: stdout}"),
        Advice("remove one of them", "mode: poll\nmode: poll", "mode: poll"),
        Advice("write http://HOST[:PORT]/path", sink("to: 'http:///x'"), sink("to: 'http://h:80/x'")),
        Advice(
            "and write its host in Punycode", sink("to: 'http://hä/ä'"),
            sink("to: 'http://xn--h-zfa/%C3%A4'")),
        Advice(
            "write one that begins with 06 or 07", sink("to: 'file:a', file_mode: '0440'"),
            sink("to: 'file:a', file_mode: '0640'")),
        Advice("write octal digits", sink("to: 'file:a', file_mode: '0o640'"), sink("to: 'file:a', file_mode: '0640'")),
        Advice(
            "write {size: 1GiB}, {age: 1d} or both", sink("to: 'file:a', rotate: {}"),
            sink("to: 'file:a', rotate: {size: 1GiB, age: 1d}")),
        Advice("write a number and a unit, such as 500ms", "poll_interval: soon", "poll_interval: 500ms"),
        Advice("write a number and a unit, such as 512KiB", "memory: much", "memory: 512MiB"),
        Advice("write one, such as 1000", "batch_size: many", "batch_size: 1000"),
        Advice(
            "add it, or write concurrency: 1", sink("to: 'http://h/', concurrency: 2"),
            sink("to: 'http://h/', order: key, concurrency: 2")),
        Advice(
            "lower base or raise max", sink("to: 'http://h/', retry: {base: 1m, max: 1s}"),
            sink("to: 'http://h/', retry: {base: 1s, max: 1m}")),
        Advice(
            "write both, or neither", sink("to: 'https://h/', tls: {cert: /a}"),
            sink("to: 'https://h/', tls: {cert: /a, key: /b}")),
        Advice(
            "give each its own name", "sinks: [{to: 'file:a'}, {to: 'file:b'}]",
            "sinks: [{name: a, to: 'file:a'}, {name: b, to: 'file:b'}]"),
        Advice(
            "give each its own path", "sinks: [{name: a, to: 'file:a'}, {name: b, to: 'file:./a'}]",
            "sinks: [{name: a, to: 'file:a'}, {name: b, to: 'file:b'}]"),
        Advice(
            "and name that file in header_files", sink("to: 'http://h/', headers: {authorization: x}"),
            sink("to: 'http://h/', header_files: {authorization: /x}")),
    ]

    @Test(arguments: advice) func eachIsRight(_ advice: Advice) throws {
        let problem = try onlyProblem { try read(advice.wrong) }
        #expect(problem.message.contains("; ") && problem.message.contains(advice.words), "\(problem.message)")
        #expect(throws: Never.self) { try read(advice.right) }
    }

    private func read(_ yaml: String) throws {
        _ = try RelayOptions(resolving: ConfigurationLayers(file: ConfigurationFile(yaml: yaml, path: "relay.yaml")))
    }
}
