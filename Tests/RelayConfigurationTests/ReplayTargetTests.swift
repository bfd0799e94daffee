import FileSink
@testable import RelayConfiguration
import RelayCore
import Testing
import WebhookSink

@Suite("What a replay delivers to")
struct ReplayTargetTests {
    private func options() throws -> RelayOptions {
        let yaml = """
            sinks:
              - {to: stdout, exclude: [x]}
              - {name: audit, to: "file:/var/audit.jsonl", file_mode: "0600", rotate: {age: 1d}}
              - name: billing
                to: https://billing.example/hooks
                secret_files: [/s]
                header_files: {authorization: /t}
                headers: {x-a: b}
                batch: 5
                retry: {max: 1m}
                include: [a]
                tls: {ca: /ca}
            """
        return try RelayOptions(
            resolving: ConfigurationLayers(file: ConfigurationFile(yaml: yaml, path: "relay.yaml")))
    }

    private func target(_ name: String, _ into: SinkSpec? = nil) throws -> SinkOption {
        try options().replayTarget(sink: name, into: into)
    }

    private func webhook(_ target: SinkOption) -> WebhookSettings? {
        if case .webhook(let webhook) = target.destination { webhook } else { nil }
    }

    @Test func theSinkItself() throws {
        let sinks = try options().sinks
        #expect(try target("stdout") == sinks[0])
        #expect(try target("billing") == sinks[2])
    }

    @Test func anotherPlaceOfTheSameKindKeepsTheOptions() throws {
        var file = FileSinkSettings(name: "audit", path: "/new.jsonl")
        file.mode = 0o600
        #expect(try target("audit", .file(path: "/new.jsonl")).destination == .file(file))
        let other = try target("billing", .webhook(url: "https://BILLING.example:443/other"))
        #expect(webhook(other)?.url == "https://BILLING.example:443/other")
        #expect(webhook(other)?.headerFiles.isEmpty == false && webhook(other)?.tls.ca == "/ca")
        #expect(webhook(other)?.batch == 5)
    }

    @Test(arguments: ["http://billing.example/hooks", "https://billing.example:8443/hooks", "https://other.example/"])
    func credentialsGoToNoOtherReceiver(_ url: String) throws {
        let other = try #require(webhook(try target("billing", .webhook(url: url))))
        #expect(other.headerFiles.isEmpty)
        #expect(other.secretFiles == ["/s"] && other.headers.count == 1)
        #expect(other.tls == (url.hasPrefix("https") ? .init(ca: "/ca") : .init()))
    }

    @Test func anotherKindKeepsLaneAndFilter() throws {
        let into = try target("billing", .stdout)
        #expect(into.destination == .stdout && into.name == "billing")
        #expect(into.filter == EventFilter(types: .init(include: ["a"])))
        #expect(into.lane.retry.maximum == 60_000)
        let file = FileSinkSettings(name: "billing", path: "/new")
        #expect(try target("billing", .file(path: "/new")).destination == .file(file))
    }

    @Test(
        arguments: [
            ("nobody", nil, "no sink 'nobody' is configured; write one of stdout, audit, billing"),
            ("audit", nil, "--into file:PATH"),
            ("audit", .file(path: "/var/audit.jsonl"), "sink audit writes to /var/audit.jsonl"),
            ("billing", .file(path: "/var/x/../audit.jsonl"), "sink audit writes to"),
            ("billing", .file(path: "/new-%Y.jsonl"), "cannot have a date in its name"),
        ] as [(String, SinkSpec?, String)])
    func refused(_ name: String, _ into: SinkSpec?, _ part: String) throws {
        let problem = try #require(throws: ConfigurationProblem.self) { try target(name, into) }
        #expect(problem.kind == .usage)
        #expect(problem.message.contains(part), "\(problem.message)")
    }
}
