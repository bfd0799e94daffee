import Libpq
import RelayCore
import RelayTestKit
import Testing

@testable import PostgresOutbox

/// What a session resolves of the outbox, and what it does with it.
@Suite struct OutboxSchemaTests {
    private func resolved(_ database: TestDatabase, _ role: SessionRole = .admin) async throws -> OutboxSchema {
        let session = try await database.session(role)
        await session.close()
        return session.schema
    }

    @Test(arguments: [SessionRole.admin, .leader, .stream]) func itsParts(_ role: SessionRole) async throws {
        let database = try await PrivateCluster.shared().database()
        let schema = try await resolved(database, role)
        #expect(schema.table.sql.text == #""public"."outbox""# && schema.table.exists)
        #expect(schema.unpublished.shown == "public.outbox_unpublished" && schema.unpublished.exists)
        #expect(schema.published.shown == "public.outbox_published" && schema.published.exists)
        #expect(schema.sequence.shown == "public.outbox_id_seq" && schema.sequenceFileNode != 0)
    }

    /// The search path leads to the table by its new name, and the statement's snapshot shows it by its old one.
    @Test(arguments: [("outbox", true), ("outbox_old", false)])
    func aTableThatIsBeingRenamedIsNotFound(_ name: String, _ isFound: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { connection in
            let parts = try await connection.query(
                "SELECT 'table', 16400, 'public', $1::text, 'public.' || $1::text, 0", [.text(name)])
            #expect((OutboxSchema(parts, searchPath: "public") != nil) == isFound)
        }
    }

    @Test func namesThatAreNotUsual() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            CREATE SCHEMA "else""where"; ALTER TABLE outbox_published SET SCHEMA "else""where";
            ALTER TABLE outbox_unpublished RENAME TO "Queue"; ALTER SEQUENCE outbox_id_seq RENAME TO "the ids"
            """)
        let schema = try await resolved(database)
        #expect(schema.published.sql.text == #""else""where"."outbox_published""#)
        #expect(schema.unpublished.sql.text == #""public"."Queue""#)
        #expect(schema.sequence.sql.text == #""public"."the ids""#)
    }

    @Test func aSequenceOfItsOwnThatIsNoIdentity() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            ALTER TABLE outbox ALTER id DROP IDENTITY;
            CREATE SEQUENCE first_made OWNED BY outbox.id; CREATE SEQUENCE drawn_from OWNED BY outbox.id;
            ALTER TABLE outbox ALTER id SET DEFAULT nextval('drawn_from')
            """)
        #expect(try await resolved(database).sequence.name == "drawn_from")
        try await database.execute("ALTER SEQUENCE first_made OWNED BY NONE; ALTER SEQUENCE drawn_from OWNED BY NONE")
        #expect(try await resolved(database).sequence.exists == false)
    }

    /// Its identity draws from outbox_id_seq1.
    @Test func aTableWhoseNameAnOlderOneHad() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(300)
        try await database.beginAnew()
        #expect(try await resolved(database).sequence.name == "outbox_id_seq1")
        try await database.insert(3)
        try await database.withLeader { leader in
            let (beat, scan) = (try await leader.beat(), try await leader.scan())
            #expect(beat.lastValue == 3 && scan.lastValue == 3)
        }
        let session = try await database.session()
        let checks = try await Inspector(session).coreChecks(purging: false)
        await session.close()
        #expect(checks.filter { !$0.ok } == [])
    }

    /// Holders of the lock on the sequence that is drawn from, and on no other.
    @Test func whoHoldsTheSequence() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.beginAnew()
        try await database.withLeader { leader in
            try await database.withConnection { other in
                try await other.execute("BEGIN; SELECT nextval('outbox_id_seq')")
                #expect(try await leader.scan().holders.isEmpty)
            }
            try await database.withConnection { holder in
                try await holder.execute("BEGIN; SELECT nextval('outbox_id_seq1')")
                #expect(try await leader.scan().holders.map(\.pid) == [holder.info.backendPID])
            }
        }
    }
}
