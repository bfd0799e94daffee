import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing
import WebhookReceiver

/// What `outbox-relay doctor` finds, in its own words, and that it ends with 1 for it; and that it finds nothing where
/// nothing is wrong.
@Suite(.heavy) struct DoctorTests {
    /// What a run of it said and how it ended.
    private struct Findings {
        let status: ProcessEnd
        let lines: [String]
        var failed: [String] { lines.filter { $0.hasPrefix("FAILED   ") } }
        var warned: [String] { lines.filter { $0.hasPrefix("warning  ") } }
    }

    /// A disk with as much room as is wanted, whatever the machine's is like.
    private func disk(of folder: String, thousandthsLeft: Int) throws -> [String: String] {
        [
            "LD_PRELOAD": [
                try RelayProcess.executable("libfull-disk.so"), ChildProcess.passedEnvironment["LD_PRELOAD"],
            ]
            .compactMap(\.self).joined(separator: ":"),
            "FULL_DISK": folder, "LEFT_OF_DISK": "\(thousandthsLeft)",
        ]
    }

    private func doctor(
        _ conninfo: String, _ arguments: [String] = [], environment: [String: String]? = nil
    ) async throws -> Findings {
        let (status, relay) = try await RelayProcess.command(
            ["doctor", "--database", conninfo] + arguments,
            environment: try environment ?? disk(of: "/", thousandthsLeft: 500))
        #expect(relay.log.text.isEmpty, "\(relay.log.text)")
        return Findings(status: status, lines: relay.output.strays)
    }

    /// Exactly one check fails, and its line holds all of the words.
    private func expect(_ found: Findings, fails check: String, _ words: String...) {
        #expect(found.status == .exited(1))
        #expect(found.failed.count == 1, "\(found.lines)")
        let line = found.failed.first ?? ""
        #expect(line.hasPrefix("FAILED   \(check): "), "\(found.lines)")
        for text in words { #expect(line.contains(text), "\(line)") }
    }

    @Test(arguments: Mode.allCases) func nothingIsWrong(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        _ = try await RelayProcess.drained(database, mode)
        let found = try await doctor(database.conninfo, ["--mode", mode.rawValue])
        #expect(found.status == .exited(0))
        #expect(found.lines.count > 20 && found.lines.allSatisfy { $0.hasPrefix("ok       ") }, "\(found.lines)")
        #expect(found.lines.contains("ok       server_disk") && found.lines.contains("ok       sink:stdout"))
    }

    /// What it may not see, it says.
    @Test func whatIsNotSeenIsNoFailure() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = try await database.relayRole()
        let local = try await doctor(database.conninfo(user: role))
        #expect(local.status == .exited(0))
        #expect(local.failed.isEmpty && local.warned.count == 1, "\(local.lines)")
        #expect(local.warned.first?.contains("monitoring: the role cannot see other sessions") == true)
        let skipped = local.lines.filter { $0.hasPrefix("skipped  ") }
        for text in [
            "server_disk: not checked: the role may not see where the server keeps its data",
            "wal_size: not checked: the role may not see how much WAL there is",
            "vacuum_horizon: not checked: the role cannot see since when other sessions' transactions are open",
        ] {
            #expect(skipped.contains { $0.contains(text) }, "\(skipped)")
        }
        let remote = try await doctor(database.conninfo(tcp: true))
        #expect(remote.status == .exited(0))
        #expect(remote.lines.contains { $0.hasPrefix("skipped  server_disk: not checked: SQL does not tell") })
    }

    @Test func itChangesNothing() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        let sum = """
            SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (
              SELECT o::text AS t FROM outbox AS o UNION ALL SELECT s::text FROM outbox_sink AS s
              UNION ALL SELECT l::text FROM outbox_leader AS l UNION ALL SELECT c::text FROM outbox_sink_state AS c
              UNION ALL SELECT last_value::text FROM outbox_id_seq) AS t
            """
        let before = try await database.value(sum)
        #expect(try await doctor(database.conninfo, ["--mode", "wal"]).status == .exited(0))
        #expect(try await database.value(sum) == before)
    }

    // MARK: - The database

    @Test(arguments: [
        ("DROP PUBLICATION outbox_relay", "publication", "the publication outbox_relay is missing"),
        (
            "ALTER PUBLICATION outbox_relay SET (publish = 'insert, update, delete, truncate')", "publication",
            "publishes other operations than inserts"
        ),
        (
            "ALTER PUBLICATION outbox_relay SET TABLE outbox", "publication", "is not for outbox_unpublished alone"
        ),
        ("ALTER SEQUENCE outbox_id_seq CACHE 10", "sequence", "has CACHE 10, so ids are not drawn in order"),
    ])
    func aDamage(_ sql: String, _ check: String, _ words: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(sql)
        expect(try await doctor(database.conninfo, ["--mode", "wal"]), fails: check, words, "; run ")
    }

    @Test func aMissingPrivilege() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = try await database.relayRole()
        try await database.execute("REVOKE UPDATE ON outbox_sink FROM \(role)")
        expect(
            try await doctor(database.conninfo(user: role)), fails: "privileges",
            "\(role)", "lacks UPDATE on", "outbox_sink", "role.sql")
    }

    @Test func aServerWithoutLogicalDecoding() async throws {
        let cluster = try await PrivateCluster.start(settings: ["wal_level": "replica"])
        let database = try await cluster.database()
        let found = try await doctor(database.conninfo, ["--mode", "wal"])
        expect(found, fails: "wal_level", "wal_level is replica", "set wal_level = logical and restart the server")
        #expect(try await doctor(database.conninfo, ["--mode", "poll"]).status == .exited(0), "polling needs it not")
    }

    @Test func noFreeSlot() async throws {
        let cluster = try await PrivateCluster.start(settings: ["max_replication_slots": "1"])
        let database = try await cluster.database()
        #expect(try await doctor(database.conninfo, ["--mode", "wal"]).status == .exited(0))
        _ = try await database.query("SELECT pg_create_physical_replication_slot('theirs')")
        expect(
            try await doctor(database.conninfo, ["--mode", "wal"]), fails: "replication_slots",
            "every replication slot is taken", "raise max_replication_slots")
    }

    /// One that says so by a pid that there is not, and one whose first process is the one that it named.
    @Test(arguments: [false, true]) func aPoolerInBetween(showsPID: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        let pooler = try TransactionPooler(to: database.cluster.port, showsPID: showsPID)
        let conninfo = "host=127.0.0.1 port=\(pooler.port) user=postgres dbname=\(database.name)"
        expect(try await doctor(conninfo), fails: "pooler", "goes through a pooler", "connect directly to the server")
        let (status, relay) = try await RelayProcess.command(["run", "--until-drained", "--database", conninfo])
        #expect(status == .exited(78) && relay.log.text.contains("goes through a pooler"), "\(relay.log.text)")
        withExtendedLifetime(pooler) {}
    }

    @Test func aServerThatIsAway() async throws {
        let port = try PrivateCluster.freePort()
        let found = try await doctor("host=127.0.0.1 port=\(port) user=postgres dbname=x")
        expect(found, fails: "connection", "the database cannot be reached")
    }

    /// Somebody has a table locked that it asks about: it does not wait for that.
    @Test func aTableThatIsLocked() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { holder in
            try await holder.execute("BEGIN; LOCK TABLE outbox_sink IN ACCESS EXCLUSIVE MODE")
            let found = try await doctor(database.conninfo)
            expect(found, fails: "locks", "the server did not answer a question within", "outbox-relay status")
        }
    }

    // MARK: - Sinks

    /// Somebody tried `run` with the default stdout, then configured a file.
    @Test(arguments: [true, false]) func aForgottenSink(namesIt: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let options = try folder.configuration("sinks: [{name: audit, to: \"file:FOLDER/audit.jsonl\"}]\n")
        try await database.insert(5)
        _ = try await RelayProcess.drained(database, .poll)
        try await database.insert(7)
        _ = try await RelayProcess.drained(database, .poll, options)
        // The leader's record counts, whether these options name the sink or not.
        let found = try await doctor(database.conninfo, namesIt ? ["--sink", "stdout"] : options)
        expect(
            found, fails: "unconfigured_sink:stdout",
            "sink stdout is registered, but the relay is not configured with it",
            "it keeps 7 rows unpublished", "outbox-relay sinks remove stdout")
    }

    @Test func aReceiverThatIsAway() async throws {
        let database = try await PrivateCluster.shared().database()
        let port = try PrivateCluster.freePort()
        expect(
            try await doctor(database.conninfo, ["--sink", "hook=http://127.0.0.1:\(port)/"]), fails: "sink:hook",
            "http://127.0.0.1:\(port) cannot be reached: Connection refused", "see that the receiver listens there")
    }

    /// A connection is made, and a handshake tried; no request is sent.
    @Test func aReceiverWithoutTLS() async throws {
        let database = try await PrivateCluster.shared().database()
        let receiver = try await WebhookReceiver()
        expect(
            try await doctor(database.conninfo, ["--sink", "hook=https://127.0.0.1:\(receiver.port)/"]),
            fails: "sink:hook", "no TLS connection to https://127.0.0.1:\(receiver.port)", "listens there with TLS")
        let plain = try await doctor(database.conninfo, ["--sink", "hook=http://127.0.0.1:\(receiver.port)/"])
        #expect(plain.status == .exited(0) && plain.lines.contains("ok       sink:hook"), "\(plain.lines)")
        #expect(receiver.count == 0)
        await receiver.stop()
    }

    @Test(arguments: [0o604, 0o602, 0o644]) func aSecretThatOthersMayRead(_ mode: Int) async throws {
        let database = try await PrivateCluster.shared().database()
        let receiver = try await WebhookReceiver()
        let folder = try SinkFolder()
        let secret = try folder.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLdSw")
        let options = try folder.configuration(
            """
            sinks: [{name: hook, to: "http://127.0.0.1:\(receiver.port)/", secret_files: [FOLDER/secret]}]

            """)
        #expect(chmod(secret, mode_t(mode)) == 0)
        let found = try await doctor(database.conninfo, options)
        expect(
            found, fails: "secret_files:hook", "every user of this machine may read or change \(secret)", "chmod o-rwx")
        #expect(chmod(secret, 0o640) == 0)
        let well = try await doctor(database.conninfo, options)
        #expect(well.status == .exited(0) && well.lines.contains("ok       secret_files:hook"), "\(well.lines)")
        await receiver.stop()
    }

    // MARK: - Disks

    @Test func theDiskOfAFileSink() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let options = ["--sink", "audit=file:\(folder.path)/x.jsonl"]
        let found = try await doctor(
            database.conninfo, options, environment: try disk(of: folder.path, thousandthsLeft: 9))
        expect(
            found, fails: "disk:audit", "the file system of \(folder.path)/x.jsonl has 9437 MiB of 1048576 MiB left",
            "free space there")
        let well = try await doctor(
            database.conninfo, options, environment: try disk(of: folder.path, thousandthsLeft: 11))
        #expect(well.status == .exited(0) && well.lines.contains("ok       disk:audit"), "\(well.lines)")
    }

    @Test func theDiskOfAServerOnThisMachine() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = database.cluster.folder
        let found = try await doctor(
            database.conninfo, environment: try disk(of: folder, thousandthsLeft: 9))
        expect(
            found, fails: "server_disk", "the file system of \(folder)/data has ",
            "the server stops when it cannot write")
    }
}

extension TestDatabase {
    /// A role that may do all that a relay does, and sees nothing of other sessions.
    fileprivate func relayRole() async throws -> String {
        let role = "relay_\(name)"
        try await execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO \(role);
            GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO \(role)
            """)
        return role
    }
}
