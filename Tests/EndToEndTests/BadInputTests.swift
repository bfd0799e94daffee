import Foundation
import RelayTestKit
import Testing

/// Whatever is wrong with what the relay is given: one sentence, the contract's exit code, no password.
@Suite(.heavy) struct BadInputTests {
    private static let secret = "hunter2"

    private func expectRefusal(
        _ arguments: [String], environment: [String: String] = [:], code: Int32, mentions words: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let environment = ["OUTBOX_RELAY_LOG_FORMAT": ""].merging(environment) { $1 }
        let (status, relay) = try await RelayProcess.command(arguments, environment: environment)
        let told = relay.log.text
        #expect(status == .exited(code), "\(told)", sourceLocation: sourceLocation)
        #expect(relay.log.entries.count == 1, "\(told)", sourceLocation: sourceLocation)
        #expect(!told.contains(Self.secret), "\(told)", sourceLocation: sourceLocation)
        #expect(!told.contains("Fatal error") && !told.contains("Stack dump"), sourceLocation: sourceLocation)
        #expect(relay.output.strays.isEmpty && relay.output.count == 0, sourceLocation: sourceLocation)
        for word in words { #expect(told.contains(word), "\(told)", sourceLocation: sourceLocation) }
    }

    @Test(arguments: [
        ["--nonsense"], ["run", "--nonsense"], ["frobnicate"], ["--mode", "tape"], ["--mode"],
        ["--batch-size", "0"], ["--window", "-1"], ["--poll-interval", "soon"], ["--memory", "much"],
        ["--leader-timeout", "2 parsecs"], ["--order", "chaos"], ["sinks", "move", "stdout"],
        // The rest of a conninfo without its quotes, and a URL in the place of an option's value.
        ["status", "--database", "host=h", "password=hunter2"], ["run", "postgres://relay:hunter2@h/x"],
    ])
    func commandLine(_ arguments: [String]) async throws {
        try await expectRefusal(arguments, code: 64)
    }

    @Test(arguments: ["MODE": "tape", "BATCH_SIZE": "0", "POLL_INTERVAL": "soon", "SINK": "carrier-pigeon:home"])
    func environment(_ name: String, _ value: String) async throws {
        try await expectRefusal(["run"], environment: ["OUTBOX_RELAY_\(name)": value], code: 78)
    }

    @Test(arguments: [
        "postgres://relay:hunter2@[::1", "postgres://relay:hunter2@localhost:port/x", "host=localhost nonsense=hunter2",
        "host=localhost password='hunter2", "mysql://relay:hunter2@localhost/x",
        "dbname=postgresql://relay:hunter2@localhost/x", "dbname='host=localhost password=hunter2'",
    ])
    func connectionString(_ conninfo: String) async throws {
        try await expectRefusal(["run", "--database", conninfo], code: 78)
        try await expectRefusal(["status", "--database", conninfo], code: 78)
    }

    /// Of what libpq takes from elsewhere, too, no more than the place is told.
    @Test func aConnectionStringForADatabaseName() async throws {
        let server = try await PrivateCluster.shared().conninfo(database: "postgres")
            .split(separator: " ").filter { !$0.hasPrefix("dbname=") }.joined(separator: " ")
        let uri = "postgresql://relay:hunter2@localhost/x"
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("service-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("[outbox]\ndbname=\(uri)\n".utf8).write(to: file)
        for command in ["run", "status"] {
            try await expectRefusal(
                [command, "--database", server], environment: ["PGDATABASE": uri], code: 78, mentions: ["dbname"])
            try await expectRefusal(
                [command, "--database", "\(server) service=outbox"], environment: ["PGSERVICEFILE": file.path],
                code: 78,
                mentions: ["dbname"])
        }
    }

    /// What follows the scheme may be the receiver's secret.
    @Test func aSinkOfNoKind() async throws {
        try await expectRefusal(["run", "--sink", "htps://hooks.example/hunter2"], code: 78, mentions: ["htps:"])
    }

    @Test func unknownKeyInTheFile() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("relay-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("mode: poll\nbatch_sice: 10\n".utf8).write(to: file)
        try await expectRefusal(["run", "--config", file.path], code: 78, mentions: ["batch_sice"])
        try await expectRefusal(["run", "--config", file.path + ".missing"], code: 78)
    }

    @Test func wrongPassword() async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        try await database.execute("CREATE ROLE \(PrivateCluster.passwordRole) LOGIN SUPERUSER PASSWORD 'right'")
        let conninfo = database.conninfo(user: PrivateCluster.passwordRole, tcp: true)
        try await expectRefusal(["run", "--database", conninfo + " password=\(Self.secret)"], code: 77)
        try await expectRefusal(["run", "--database", conninfo], environment: ["PGPASSWORD": Self.secret], code: 77)
        try await expectRefusal(["run", "--database", conninfo], code: 77)
    }

    @Test func missingDatabaseAndTable() async throws {
        let cluster = try await PrivateCluster.shared()
        try await expectRefusal(
            ["run", "--database", cluster.conninfo(database: "nowhere")], code: 78, mentions: ["nowhere"])
        let empty = try await cluster.database(migrated: false)
        for mode in Mode.allCases {
            try await expectRefusal(
                ["run", "--mode", mode.rawValue, "--database", empty.conninfo], code: 78, mentions: ["migrate"])
        }
        try await expectRefusal(["status", "--database", empty.conninfo], code: 78, mentions: ["migrate"])
    }

    @Test(arguments: [
        "ALTER TABLE outbox ALTER payload TYPE text USING payload::text",
        "ALTER TABLE outbox DROP COLUMN headers",
        "ALTER TABLE outbox RENAME aggregate_id TO aggregate",
        "DROP TABLE outbox; CREATE TABLE outbox (id bigint)",
        "DROP TABLE outbox_leader",
        "INSERT INTO outbox_migration (version, name) VALUES (9999, 'from the future')",
        "ALTER SEQUENCE outbox_id_seq CACHE 10", "ALTER SEQUENCE outbox_id_seq INCREMENT 2",
        "ALTER SEQUENCE outbox_id_seq CYCLE",
    ])
    func anotherShape(_ change: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(change)
        for mode in Mode.allCases {
            try await expectRefusal(["run", "--mode", mode.rawValue, "--database", database.conninfo], code: 78)
        }
    }

    @Test func missingPrivilege() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = "bare_\(database.name)"
        try await database.execute("CREATE ROLE \(role) LOGIN")
        try await expectRefusal(["run", "--database", database.conninfo(user: role)], code: 77)
    }

    @Test func unreachableServer() async throws {
        let conninfo = "host=127.0.0.1 port=\(try PrivateCluster.freePort()) connect_timeout=2 password=\(Self.secret)"
        try await expectRefusal(["status", "--database", conninfo], code: 69)
        let relay = try RelayProcess.start(["run", "--until-drained", "--database", conninfo])
        #expect(try await relay.exitStatus() == .exited(69))
        #expect(!relay.log.text.contains(Self.secret))
    }
}
