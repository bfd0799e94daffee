import RelayConfiguration
import Testing

@Suite("Sink SPECs")
struct SinkOptionTests {
    @Test(arguments: [
        ("stdout", SinkOption(name: "stdout", spec: .stdout)),
        ("a=stdout", SinkOption(name: "a", spec: .stdout)),
        ("file:/var/log/a=b.jsonl", SinkOption(name: "file", spec: .file(path: "/var/log/a=b.jsonl"))),
        ("audit=file:x", SinkOption(name: "audit", spec: .file(path: "x"))),
        ("https://h/?a=b", SinkOption(name: "webhook", spec: .webhook(url: "https://h/?a=b"))),
        ("b.i-l_1=http://h:80/x", SinkOption(name: "b.i-l_1", spec: .webhook(url: "http://h:80/x"))),
    ])
    func read(_ text: String, _ expected: SinkOption) throws {
        var expected = expected
        expected.place = "--sink"
        #expect(try SinkOption(parsing: text, at: "--sink") == expected)
    }

    @Test(arguments: [
        "", "stdou", "=stdout", "a b=stdout", "file:", "http://", "https:///x", "https://h/a b", "ftp://h", "a=",
        "a=b=stdout",
        "\(String(repeating: "n", count: 64))=stdout", "https://me:hunter2@h/", "x=gopher://me:hunter2@h/",
    ])
    func refused(_ text: String) throws {
        let problem = try #require(throws: ConfigurationProblem.self) { try SinkOption(parsing: text, at: "--sink") }
        #expect(problem.kind == .configuration)
        #expect(problem.message.hasPrefix("--sink: "))
        #expect(!problem.message.contains("hunter2"))
    }
}
