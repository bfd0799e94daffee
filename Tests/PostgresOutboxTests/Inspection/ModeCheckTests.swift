import PostgresOutbox
import RelayTestKit
import Testing

/// What `doctor` says that a mode lacks.
@Suite struct ModeCheckTests {
    private func failed(_ database: TestDatabase, streaming: Bool) async throws -> [Check] {
        try await database.withAdministrator { session in
            try await Inspector(session).modeChecks(streaming: streaming).filter { !$0.ok }
        }
    }

    @Test func nothingIsWrongAfterTheMigrations() async throws {
        let database = try await PrivateCluster.shared().database()
        #expect(try await failed(database, streaming: true) == [])
    }

    @Test(arguments: [
        ("DROP PUBLICATION outbox_relay", "is missing"),
        ("ALTER PUBLICATION outbox_relay SET (publish = 'insert, update')", "publishes other operations than inserts"),
        (
            "ALTER PUBLICATION outbox_relay SET (publish = 'insert, update, delete, truncate')",
            "publishes other operations than inserts"
        ),
        ("ALTER PUBLICATION outbox_relay ADD TABLE outbox_sink", "is not for outbox_unpublished alone"),
        ("ALTER PUBLICATION outbox_relay SET TABLE outbox", "is not for outbox_unpublished alone"),
        ("ALTER PUBLICATION outbox_relay SET TABLE outbox_published", "is not for outbox_unpublished alone"),
    ])
    func aPublicationOfAnotherShape(_ change: String, _ problem: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(change)
        let found = try await failed(database, streaming: true)
        #expect(found.map(\.name) == ["publication"])
        #expect(found.first?.problem == "the publication outbox_relay \(problem), so WAL mode falls back to polling")
        #expect(try await failed(database, streaming: false) == [], "poll mode needs none")
    }

    @Test func commitsThatAreNotDurable() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER DATABASE \(database.name) SET synchronous_commit = off")
        let found = try await failed(database, streaming: false)
        #expect(found.map(\.name) == ["synchronous_commit"] && found.first?.severity == .warning)
    }
}
