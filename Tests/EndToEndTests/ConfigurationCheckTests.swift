import Foundation
import RelayTestKit
import Testing

/// What `run` checks before it starts, `run --check`, and `config show`: without a database, and without a secret shown.
@Suite(.heavy) struct ConfigurationCheckTests {
    private static let secret = "hunter2"

    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> (status: ProcessEnd, relay: RelayProcess) {
        try await RelayProcess.command(
            arguments, environment: ["OUTBOX_RELAY_LOG_FORMAT": ""].merging(environment) { $1 })
    }

    /// A configuration with all that can be named, and a database that is not there.
    private func good(_ folder: SinkFolder) throws -> [String] {
        try folder.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLdSw")
        try folder.write("token", "Bearer \(Self.secret)")
        return try folder.configuration(
            """
            mode: poll
            database: "host=nowhere.invalid dbname=x user=me password='\(Self.secret) x'"
            batch_size: 500
            sinks:
              - name: hook
                to: https://hooks.example/\(Self.secret)?key=\(Self.secret)
                secret_files: [FOLDER/secret]
                headers: {x-tenant: \(Self.secret)}
                header_files: {authorization: FOLDER/token}
                retry: {max: 1m}
              - {name: audit, to: "file:FOLDER/none/audit.jsonl"}
            """)
    }

    @Test func checkedAndNothingTouched() async throws {
        let folder = try SinkFolder()
        let (status, relay) = try await run(["run", "--check"] + good(folder))
        #expect(status == .exited(0), "\(relay.log.text)")
        #expect(relay.output.strays == ["configuration ok (2 sinks)"] && relay.log.entries.isEmpty)
        #expect(try folder.files("") == ["relay.yaml", "secret", "token"])
        let (plain, defaults) = try await run(["--check"])
        #expect(plain == .exited(0) && defaults.output.strays == ["configuration ok (1 sink)"])
    }

    /// Every problem, of options, conninfo, sinks and the files that they name; and the same where it would run.
    @Test(arguments: [["run", "--check"], ["run"]]) func everyProblem(_ command: [String]) async throws {
        let folder = try SinkFolder()
        try folder.write("empty", "")
        let configuration = try folder.configuration(
            """
            database: "host=h password='\(Self.secret)"
            batch_size: many
            sinks:
              - {name: a, to: 'http://h:99999/'}
              - {name: b, to: 'file:FOLDER/%Q.jsonl'}
              - name: c
                to: https://h/
                secret_files: [FOLDER/none, FOLDER/relay.yaml]
                header_files: {authorization: FOLDER/empty}
                tls: {ca: FOLDER/none.pem, cert: FOLDER/empty, key: FOLDER/no.key}
            """)
        let (status, relay) = try await run(command + configuration)
        #expect(status == .exited(78), "\(relay.log.text)")
        let lines = relay.log.entries.map(\.text)
        let parts = [
            "relay.yaml:1: database: the database connection string cannot be used: a single quote",
            "relay.yaml:2: batch_size: 'many' is not a whole number",
            "sinks.a.to: the webhook's URL has a port that is out of range", "sinks.b.to: the path",
            "none cannot be read", "relay.yaml holds neither whsec_… nor base64",
            "empty of header authorization is empty", "none.pem (tls.ca) cannot be read",
            "empty (tls.cert) cannot be read", "no.key (tls.key) cannot be read",
        ]
        #expect(lines.count == parts.count, "\(relay.log.text)")
        for part in parts { #expect(lines.count { $0.contains(part) } == 1, "\(part)\n\(relay.log.text)") }
        #expect(lines.allSatisfy { $0.hasPrefix("outbox-relay: ") && $0.contains("; ") })
        #expect(!relay.log.text.contains(Self.secret) && relay.output.strays.isEmpty)
        // With one of the command line among them it is that, and the others are told as well.
        let (usage, told) = try await run(command + configuration + ["--window", "0"])
        #expect(usage == .exited(64))
        #expect(told.log.entries.count == parts.count + 1)
        #expect(told.log.entries.first?.text.hasPrefix("outbox-relay: --window: 0 is out of range") == true)
    }

    @Test func shownAsATable() async throws {
        let folder = try SinkFolder()
        let (status, relay) = try await run(
            ["config", "show", "--window", "7"] + good(folder), environment: ["OUTBOX_RELAY_SOURCE": "urn:x"])
        #expect(status == .exited(0), "\(relay.log.text)")
        let lines = relay.output.strays
        #expect(!lines.joined().contains(Self.secret) && !lines.joined().contains("\u{1B}"))
        // The columns stand one below the other.
        let title = try #require(lines.first)
        let column = try #require(title.range(of: "FROM")).lowerBound.utf16Offset(in: title)
        #expect(title.hasPrefix("OPTION "))
        func row(_ option: String) throws -> String { try #require(lines.first { $0.hasPrefix("\(option) ") }) }
        for (option, value, from) in [
            ("window", "7", "--window"), ("source", "urn:x", "OUTBOX_RELAY_SOURCE"), ("memory", "64MiB", "default"),
            ("listen", "-", "default"), ("batch_size", "500", "\(folder.path)/relay.yaml:3"),
        ] {
            let text = try row(option)
            #expect(text.split(separator: " ").map(String.init) == [option, value, from])
            #expect(String(text.utf16.dropFirst(column)) == from)
        }
        #expect(try row("database").contains("host=nowhere.invalid") && row("database").contains("password=…"))
        let hook = lines.filter { $0.hasPrefix("hook ") }
        #expect(hook.count == 6 && hook[1].contains("https://hooks.example/…"), "\(hook)")
    }

    @Test func shownAsJSON() async throws {
        let folder = try SinkFolder()
        let (status, relay) = try await run(["config", "show", "--json"] + good(folder))
        #expect(status == .exited(0), "\(relay.log.text)")
        let text = relay.output.strays.joined()
        #expect(!text.contains(Self.secret), "\(text)")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let file = "\(folder.path)/relay.yaml"
        #expect(object["config"] as? String == file)
        let options = try #require(object["options"] as? [String: [String: Any]])
        #expect(options["batch_size"]?["value"] as? String == "500")
        #expect(options["batch_size"]?["layer"] as? String == "file")
        #expect(options["batch_size"]?["place"] as? String == "\(file):3")
        #expect(options["memory"]?["layer"] as? String == "default" && options["memory"]?["place"] is NSNull)
        let sinks = try #require(object["sinks"] as? [[String: Any]])
        #expect(sinks.map { $0["name"] as? String } == ["hook", "audit"])
        let keys = try #require(sinks[0]["keys"] as? [String: [String: Any]])
        #expect(keys["secret_files"]?["value"] as? [String] == ["\(folder.path)/secret"])
        #expect(keys["header_files.authorization"]?["value"] as? String == "\(folder.path)/token")
        #expect(keys["headers.x-tenant"]?["value"] as? String == "…")
        #expect(
            keys["retry.max"]?["value"] as? String == "1m" && keys["retry.max"]?["place"] as? String == "\(file):10")
    }

    @Test(arguments: [
        "postgresql://me:hunter2@h/x", "host=h password=hunter2", "postgresql://h/x?password=hunter2",
        "host=h sslpassword=hunter2",
    ])
    func noPasswordOfAConnectionString(_ conninfo: String) async throws {
        for arguments in [["--json"], []] {
            let (status, relay) = try await run(["config", "show", "--database", conninfo] + arguments)
            #expect(status == .exited(0), "\(relay.log.text)")
            let text = relay.output.strays.joined()
            #expect(!text.contains(Self.secret) && text.contains("password=…") && text.contains("host=h"), "\(text)")
        }
    }

    /// A collector's path and query may hold a token.
    @Test func noTokenOfACollector() async throws {
        for url in ["https://collector:4318/in/hunter2/v1/traces", "http://collector?key=hunter2", "http://hunter2@h/"]
        {
            let (_, relay) = try await run(["config", "show", "--otlp", url])
            let text = relay.output.strays.joined() + relay.log.text
            #expect(!text.contains(Self.secret) && text.contains("otlp"), "\(text)")
        }
    }

    @Test func aWrongConfigurationIsNotShown() async throws {
        let (status, relay) = try await run(["config", "show", "--window", "0", "--database", "host='hunter2"])
        #expect(status == .exited(64) && relay.log.entries.count == 2 && relay.output.strays.isEmpty)
        #expect(!relay.log.text.contains(Self.secret))
    }
}
