import Foundation
import Glibc
import RelayTestKit
import Testing
import WebhookReceiver

/// What is wrong with a sink shows before anything runs, and in `doctor`, without anything being sent or written.
@Suite(.heavy) struct SinkConfigurationTests {
    private func run(_ command: String, _ folder: SinkFolder, _ entry: String, database: String = "dbname=nowhere")
        async throws -> (status: ProcessEnd, relay: RelayProcess)
    {
        let options = try folder.configuration("mode: poll\nsinks:\n  - \(entry)\n")
        return try await RelayProcess.command(
            [command, "--database", database] + options, environment: ["OUTBOX_RELAY_LOG_FORMAT": ""])
    }

    @Test(arguments: [
        ("{to: stdout, rotate: {size: 1GiB}}", "relay.yaml:3: sinks.stdout.rotate: applies to a file"),
        ("{to: 'http://h/', batch: many}", "relay.yaml:3: sinks.webhook.batch: 'many' is not a whole number"),
        ("{to: 'http://h/', secret: hunter2}", "relay.yaml:3: sinks.webhook.secret: a secret belongs in a file"),
        ("{to: 'https://user:hunter2@h/'}", "relay.yaml:3: sinks[0].to: the sink's URL contains a user or password"),
        (
            "{to: 'http://h/', headers: {Host: h}}",
            "relay.yaml:3: sinks.webhook.headers.Host: is a header that the relay"
        ),
        ("{to: 'http://h:99999/'}", "relay.yaml:3: sinks.webhook.to: the webhook's URL has a port"),
        ("{to: 'file:FOLDER/%Q.jsonl'}", "relay.yaml:3: sinks.file.to: the path"),
        ("{to: 'file:FOLDER/%d/x.jsonl'}", "relay.yaml:3: sinks.file.to: the path"),
    ])
    func refused(_ entry: String, _ part: String) async throws {
        let folder = try SinkFolder()
        let (status, relay) = try await run("run", folder, entry)
        #expect(status == .exited(78))
        #expect(relay.log.text.contains(part), "\(relay.log.text)")
        #expect(relay.log.entries.count == 1 && !relay.log.text.contains("hunter2"), "\(relay.log.text)")
        #expect(try folder.files("") == ["relay.yaml"])
    }

    @Test(arguments: [
        ("{name: a, to: 'file:FOLDER/none/x.jsonl'}", "none"),
        ("{name: a, to: 'file:FOLDER'}", "regular file"),
        ("{name: a, to: 'http://127.0.0.1:1/', secret_files: [FOLDER/none]}", "none"),
        ("{name: a, to: 'http://127.0.0.1:1/', secret_files: [FOLDER/relay.yaml]}", "relay.yaml"),
        ("{name: a, to: 'http://127.0.0.1:1/', header_files: {authorization: FOLDER/none}}", "none"),
        ("{name: a, to: 'https://127.0.0.1:1/', tls: {ca: FOLDER/none}}", "none"),
        ("{name: a, to: 'https://127.0.0.1:1/', tls: {ca: FOLDER/relay.yaml}}", "relay.yaml"),
        ("{name: a, to: 'http://nowhere.invalid/'}", "the host nowhere.invalid cannot be resolved"),
    ])
    func doctorNamesIt(_ entry: String, _ part: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let (status, relay) = try await run("doctor", folder, entry, database: database.conninfo)
        #expect(status == .exited(1))
        let failed = relay.output.strays.filter { $0.hasPrefix("FAILED") }
        #expect(failed.count == 1 && failed.first?.contains("sink:a: ") == true, "\(relay.output.strays)")
        #expect(failed.first?.contains(part) == true, "\(failed)")
        #expect(try folder.files("") == ["relay.yaml"])
    }

    @Test func doctorIsContentAndLeavesNoTrace() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let secret = try folder.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLdSw")
        #expect(chmod(secret, 0o600) == 0)
        let receiver = try await WebhookReceiver()
        let entries = """
            {name: a, to: 'file:FOLDER/%Y.jsonl'}
              - {name: b, to: 'http://localhost:\(receiver.port)/', secret_files: [FOLDER/secret]}
              - {name: c, to: stdout}
            """
        let (status, relay) = try await run("doctor", folder, entries, database: database.conninfo)
        #expect(status == .exited(0), "\(relay.output.strays)")
        for name in ["a", "b", "c"] { #expect(relay.output.strays.contains("ok       sink:\(name)")) }
        #expect(try folder.files("") == ["relay.yaml", "secret"])
        #expect(receiver.count == 0)
        await receiver.stop()
    }
}
