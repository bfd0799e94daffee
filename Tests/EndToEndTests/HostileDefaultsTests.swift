import RelayTestKit
import Testing
import WebhookReceiver

/// Roles and databases whose defaults would mislead a relay that trusts them.
@Suite(.heavy) struct HostileDefaultsTests {
    /// A role that may do all that a relay does, and nothing more.
    private func role(_ database: TestDatabase) async throws -> String {
        let role = "relay_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN REPLICATION; GRANT USAGE, CREATE ON SCHEMA public TO \(role);
            GRANT pg_signal_backend, pg_read_all_stats TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role); GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO \(role)
            """)
        return role
    }

    @Test(arguments: Mode.allCases) func rowSecurityIsRefused(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let role = try await role(database)
        try await database.insert(10)
        try await database.execute(
            """
            ALTER TABLE outbox_unpublished ENABLE ROW LEVEL SECURITY;
            CREATE POLICY odd ON outbox_unpublished TO \(role) USING (id % 2 = 1) WITH CHECK (true)
            """)
        let (status, relay) = try await RelayProcess.command(
            ["run", "--mode", mode.rawValue, "--database", database.conninfo(user: role)])
        #expect(status == .exited(78), "\(relay.log.text)")
        #expect(relay.output.count == 0)
    }

    /// It appears while the relay runs: whatever it does, no row is passed over.
    @Test(arguments: Mode.allCases) func rowSecurityUnderARunningRelay(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let role = try await role(database)
        let relay = try RelayProcess.start(
            ["run", "--mode", mode.rawValue, "--database", database.conninfo(user: role)])
        try await relay.waitForLog("leading")
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await database.execute(
            """
            ALTER TABLE outbox_unpublished ENABLE ROW LEVEL SECURITY;
            CREATE POLICY odd ON outbox_unpublished TO \(role) USING (id % 2 = 1) WITH CHECK (true)
            """)
        try await database.insert(10)
        try await eventually("it says so: \(relay.log.text)") {
            relay.log.entries.contains { ["warning", "error", "critical"].contains($0.level) }
        }
        try await database.execute("ALTER TABLE outbox_unpublished DISABLE ROW LEVEL SECURITY")
        try await relay.waitForEvents(15)
        try await database.becomesSettled()
        try await relay.stop()
        try await expectComplete(database, [relay])
    }

    @Test(
        arguments: Mode.allCases,
        [
            "default_transaction_isolation = 'repeatable read'", "default_transaction_isolation = 'serializable'",
            "default_transaction_read_only = on", "statement_timeout = '5ms'", "lock_timeout = '1ms'",
            "idle_in_transaction_session_timeout = '1ms'", "DateStyle = 'German, DMY'", "TimeZone = 'Asia/Kathmandu'",
            "client_encoding = 'LATIN1'", "bytea_output = 'escape'", "synchronous_commit = off", "row_security = on",
            "standard_conforming_strings = off", "client_min_messages = 'debug5'",
            "quote_all_identifiers = on", "exit_on_error = on", "enable_indexscan = off", "array_nulls = off",
        ])
    func defaultsOfTheRole(_ mode: Mode, _ setting: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let role = try await role(database)
        try await database.execute("ALTER ROLE \(role) IN DATABASE \(database.name) SET \(setting)")
        try await database.insert(50)
        let arguments = ["run", "--mode", mode.rawValue, "--database", database.conninfo(user: role)]
        let relay = try RelayProcess.start(arguments)
        try await relay.waitForEvents(50)
        try await relay.waitForEvent(id: try await database.insert(50))
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0), "\(relay.log.text)")
        try await expectComplete(database, [relay])
        #expect(relay.output.deliveries.first?.text.contains(#"Z","datacontenttype""#) == true)
    }

    /// It prints names and expressions of the catalogue in quotes, those that checks compare as well.
    @Test func quotedIdentifiers() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER DATABASE \(database.name) SET quote_all_identifiers = on")
        let (status, relay) = try await RelayProcess.command(
            ["doctor", "--mode", "wal", "--database", database.conninfo])
        #expect(status == .exited(0), "\(relay.output.strays)")
    }

    /// A server from PostgreSQL 17 on would end every transaction that waits for a sink.
    @Test func transactionTimeout() async throws {
        let database = try await PrivateCluster.shared().database()
        if try await database.number("SELECT current_setting('server_version_num')") >= 170_000 {
            try await database.execute("ALTER DATABASE \(database.name) SET transaction_timeout = '90ms'")
        }
        let receiver = try await WebhookReceiver(keeps: false) { _ in ReceiverAnswer(204, delay: .milliseconds(30)) }
        let relay = try RelayProcess.run(
            database, ["--sink", "http://127.0.0.1:\(receiver.port)/"])
        try await relay.waitForLog("leading")
        for _ in 0..<8 {
            // Longer than a claim is held open.
            try await database.insert(5)
            try await database.becomesSettled()
        }
        #expect(relay.log.entries(of: "deposed").isEmpty, "\(relay.log.text)")
        try await relay.stop()
        await receiver.stop()
    }

    /// Where the role's own search path leads to no outbox, none is looked for elsewhere.
    @Test func anotherSearchPath() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = try await role(database)
        try await database.insert(5)
        try await database.execute("ALTER ROLE \(role) IN DATABASE \(database.name) SET search_path = 'elsewhere'")
        let (status, relay) = try await RelayProcess.command(
            ["run", "--until-drained", "--database", database.conninfo(user: role)])
        #expect(status == .exited(78), "\(relay.log.text)")
        #expect(relay.output.ids == [])
    }
}
