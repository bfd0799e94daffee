import Libpq
import PostgresOutbox
import RelayTestKit
import Testing

/// What `doctor` says of what an outbox may hold, and of what else happens to its rows.
@Suite struct ContentCheckTests {
    private func check(_ name: String, _ database: TestDatabase) async throws -> Check {
        let session = try await database.session()
        let checks = try await Inspector(session).modeChecks(streaming: false)
        await session.close()
        return try #require(checks.first { $0.name == name })
    }

    @Test func utf8() async throws {
        #expect(try await check("encoding", try await PrivateCluster.shared().database()).ok)
    }

    @Test(arguments: ["SQL_ASCII", "LATIN1", "WIN1252"]) func anotherEncoding(_ encoding: String) async throws {
        let found = try await check("encoding", try await PrivateCluster.shared().database(encoding: encoding))
        #expect(found.severity == .warning && found.problem?.contains(encoding) == true)
        #expect(found.problem?.contains("holds back every later one") == true)
    }

    static let function = """
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER "Audit"
        """

    @Test(
        arguments: [
            "BEFORE INSERT ON outbox FOR EACH ROW", "AFTER INSERT ON outbox FOR EACH ROW",
            "BEFORE UPDATE ON outbox FOR EACH ROW", "AFTER DELETE ON outbox FOR EACH ROW",
            "BEFORE DELETE ON outbox_unpublished FOR EACH ROW", "BEFORE UPDATE ON outbox_unpublished FOR EACH ROW",
            "BEFORE INSERT ON outbox_published FOR EACH ROW",
        ])
    func aTriggerThatAMoveFires(_ trigger: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("\(Self.function) \(trigger) EXECUTE FUNCTION f()")
        let found = try await check("triggers", database)
        #expect(found.severity == .warning && found.problem?.contains(#"trigger "Audit" of public.outbox"#) == true)
    }

    @Test(
        arguments: [
            "BEFORE INSERT ON outbox_unpublished FOR EACH ROW", "AFTER INSERT ON outbox FOR EACH STATEMENT",
            "BEFORE DELETE ON outbox_published FOR EACH ROW", "AFTER UPDATE ON outbox_unpublished FOR EACH ROW",
        ])
    func aTriggerThatAMoveDoesNotFire(_ trigger: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("\(Self.function) \(trigger) EXECUTE FUNCTION f()")
        #expect(try await check("triggers", database).ok)
    }

    @Test func aTriggerThatIsOff() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            \(Self.function) BEFORE DELETE ON outbox_unpublished FOR EACH ROW EXECUTE FUNCTION f();
            ALTER TABLE outbox_unpublished DISABLE TRIGGER "Audit"
            """)
        #expect(try await check("triggers", database).ok)
    }

    @Test(arguments: ["outbox", "outbox_unpublished"]) func aRule(_ table: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("CREATE RULE keep AS ON UPDATE TO \(table) DO INSTEAD NOTHING")
        #expect(try await check("triggers", database).problem?.contains("rule keep of public.outbox") == true)
    }
}
