import Libpq
import PostgresOutbox
import RelayTestKit
import Testing

/// Every session has the relay's settings, whatever role and database say.
@Suite struct SessionSettingsTests {
    /// A default that misleads, and what a session of the relay's has in its place.
    static let defaults: [(name: String, hostile: String, ours: String)] = [
        ("row_security", "on", "off"), ("TimeZone", "'Asia/Kathmandu'", "UTC"),
        ("DateStyle", "'German, DMY'", "ISO, YMD"), ("IntervalStyle", "'iso_8601'", "postgres"),
        ("client_encoding", "'LATIN1'", "UTF8"), ("bytea_output", "'escape'", "hex"),
        ("extra_float_digits", "'-15'", "1"), ("standard_conforming_strings", "off", "on"),
        ("escape_string_warning", "on", "off"), ("array_nulls", "off", "on"), ("quote_all_identifiers", "on", "off"),
        ("client_min_messages", "'debug5'", "warning"), ("exit_on_error", "on", "off"),
        ("default_transaction_isolation", "'serializable'", "read committed"),
        ("default_transaction_read_only", "on", "off"), ("default_transaction_deferrable", "on", "off"),
        ("synchronous_commit", "off", "on"), ("enable_seqscan", "on", "off"), ("enable_indexscan", "off", "on"),
        ("enable_indexonlyscan", "off", "on"), ("enable_bitmapscan", "on", "off"), ("enable_nestloop", "off", "on"),
        ("enable_hashjoin", "on", "off"), ("enable_mergejoin", "on", "off"),
        ("enable_partition_pruning", "off", "on"), ("jit", "on", "off"),
        ("plan_cache_mode", "'force_custom_plan'", "force_generic_plan"),
    ]

    /// Limits that the relay's own take the place of; 0 is none.
    static let limits = [
        "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout",
    ]

    private func role(_ database: TestDatabase, _ settings: [(String, String)]) async throws -> String {
        let role = "hostile_\(database.name)"
        try await database.execute("CREATE ROLE \(role) LOGIN REPLICATION")
        for (name, value) in settings {
            try await database.execute("ALTER ROLE \(role) IN DATABASE \(database.name) SET \(name) = \(value)")
        }
        return role
    }

    private func settings(_ session: Session, _ names: [String]) async throws -> [String: String] {
        let list = names.map { "current_setting('\($0)')" }.joined(separator: ", ")
        let found = try await session.connection.execute(SQLText(trusting: "SELECT \(list)"))
        let row = try #require(found.last?.rows.first)
        return Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, row.string($0) ?? "") })
    }

    @Test(arguments: SessionRole.allCases) func noDefaultIsTrusted(_ role: SessionRole) async throws {
        let database = try await PrivateCluster.shared().database()
        let user = try await self.role(database, Self.defaults.map { ($0.name, $0.hostile) })
        let session = try await database.session(role, user: user)
        let found = try await settings(session, Self.defaults.map(\.name))
        await session.close()
        for (name, _, ours) in Self.defaults { #expect(found[name] == ours, "\(name)") }
    }

    /// As short as they get: what sets them must not be ended by them.
    @Test(arguments: SessionRole.allCases) func noLimitIsTrusted(_ role: SessionRole) async throws {
        let database = try await PrivateCluster.shared().database()
        let user = try await self.role(database, Self.limits.prefix(3).map { ($0, "'1ms'") })
        let session = try await database.session(role, user: user)
        let found = try await settings(session, Self.limits)
        await session.close()
        for (name, value) in found { #expect(value != "1ms", "\(name)") }
    }

    /// From PostgreSQL 17 on a transaction's whole life can be limited; older servers know nothing of it.
    @Test(arguments: SessionRole.allCases) func noTransactionIsTooLong(_ role: SessionRole) async throws {
        let database = try await PrivateCluster.shared().database()
        let isKnown = try await database.isTrue(
            "SELECT count(*) > 0 FROM pg_settings WHERE name = 'transaction_timeout'")
        let user = try await self.role(database, isKnown ? [("transaction_timeout", "'90ms'")] : [])
        let session = try await database.session(role, user: user)
        let found = try await session.connection.execute("SELECT current_setting('transaction_timeout', true)").last
        await session.close()
        #expect(found?.string(0, 0) == (isKnown ? "0" : nil))
    }
}
