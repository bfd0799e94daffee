import Libpq
import PostgresOutbox
import RelayTestKit
import Synchronization
import Testing

@testable import RelayCore

/// A process that takes over, again and again: what it finds out about the database and about itself.
@Suite struct PostgresDatabaseTests {
    private func relay(on database: TestDatabase) throws -> PostgresDatabase {
        PostgresDatabase(
            PostgresSettings(
                target: try ConnectionTarget(parsing: database.conninfo), source: "/outbox",
                leaderTimeout: .seconds(20), configuredSinks: ["a"], memory: 1 << 20, maxSlotWAL: 1 << 20,
                host: "test", untilDrained: false, reachWithin: nil))
    }

    /// Leads, and gives the lead back.
    private func lead(
        _ relay: PostgresDatabase, known: KnownProgress = KnownProgress(), lastEpoch: Int64 = 0,
        unsettled: [DeliveredRow] = [], _ body: (any LeaderSessions) async throws -> Void = { _ in }
    ) async throws -> OpenedSessions {
        let outcome = try await relay.lead(known: known, lastEpoch: lastEpoch, unsettled: unsettled) { _ in }
        guard case .leads(let sessions) = outcome else { throw KitFailure("it does not lead: \(outcome)") }
        do {
            try await body(sessions)
        } catch {
            await sessions.close()
            throw error
        }
        await sessions.close()
        return sessions.opened
    }

    /// Every row, as one that left.
    private func delivered(_ sessions: any LeaderSessions) async throws -> [DeliveredRow] {
        let claim = try await sessions.work.claim(
            ClaimRequest(after: 0, below: nil, rows: 100, bytes: 1 << 20, probesFirst: false))
        let batch = try #require(claim.rows.batch)
        return zip(batch.ids, batch.marks).map { DeliveredRow(id: $0, mark: $1) }
    }

    @Test func configuredSinksAreRegisteredAndSessionsRecorded() async throws {
        let database = try await PrivateCluster.shared().database()
        let opened = try await lead(try relay(on: database)) { sessions in
            #expect(sessions.epoch == 1)
            let roles = try await database.lines("SELECT role FROM outbox_leader_session ORDER BY 1")
            #expect(roles == ["leader", "work"])
        }
        #expect(opened.sinks == [SinkRegistration(name: "a", generation: 1, start: .oldest)])
        #expect(try await database.lines("SELECT name || ' ' || start FROM outbox_sink") == ["a oldest"])
    }

    @Test func aProcessKeepsItsMemoryWhereNobodyElseHasLed() async throws {
        let database = try await PrivateCluster.shared().database()
        let (one, other) = (try relay(on: database), try relay(on: database))
        _ = try await lead(one)
        #expect(try await lead(one, lastEpoch: 1).keepsLanes)
        #expect(try await lead(other).keepsLanes == false)
        #expect(try await lead(one, lastEpoch: 2).keepsLanes == false)
    }

    /// Takes over until it waits for everybody to check, or leads; then it is lost.
    private func waitsForEverybody(on database: TestDatabase) async throws -> Bool {
        let waits = Atomic(false)
        let hasLed = Atomic(false)
        let relay = try relay(on: database)
        let leading = Task {
            let outcome = try await relay.lead(known: KnownProgress(), lastEpoch: 0, unsettled: []) { waiting in
                if waiting == .historyCheck { waits.store(true, ordering: .relaxed) }
            }
            hasLed.store(true, ordering: .relaxed)
            if case .leads(let sessions) = outcome { await sessions.close() }
        }
        try await eventually("it waits, or leads") {
            waits.load(ordering: .relaxed) || hasLed.load(ordering: .relaxed)
        }
        leading.cancel()
        _ = await leading.result
        return waits.load(ordering: .relaxed)
    }

    /// Its successor waits as well, for others may not have checked yet.
    @Test func whoIsLostWhileItWaitsHasWaitedForNobody() async throws {
        let database = try await PrivateCluster.shared().database()
        _ = try await lead(try relay(on: database))
        #expect(try await waitsForEverybody(on: database) == false)
        try await database.execute("UPDATE outbox_leader SET postmaster_start = '2020-01-01'")
        for _ in 0..<2 { #expect(try await waitsForEverybody(on: database)) }
    }

    /// Once its epoch is raised, a leader opens no session any more.
    @Test func aDeposedLeaderReadsNothingOnANewSession() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(1)
        _ = try await lead(try relay(on: database)) { sessions in
            try await database.execute("UPDATE outbox_leader SET epoch = epoch + 1")
            await #expect(throws: Deposed()) { _ = try await sessions.readOwed([1]) }
            #expect(sessions.isLoss(Deposed()))
        }
    }

    /// The sequence stands below what has left: everybody stops, until somebody resumes.
    @Test func aSequenceBelowWhatHasLeftStopsEverybody() async throws {
        let database = try await PrivateCluster.shared().database()
        var known = KnownProgress()
        known.handed(100)
        let stop = await #expect(throws: RelayStop.self) {
            _ = try await lead(try relay(on: database), known: known)
        }
        #expect(stop?.wentBack == true)
        let reason = try #require(try await database.value("SELECT stopped_reason FROM outbox_leader"))
        #expect(reason.contains("below id 100"))
        let next = await #expect(throws: RelayStop.self) { _ = try await lead(try relay(on: database)) }
        #expect(next?.wentBack == true && next?.message.contains("below id 100") == true)
        #expect(try await database.number("SELECT epoch FROM outbox_leader") == 0)
    }

    /// Gone is not gone back: somebody deleted a row that was delivered.
    @Test(arguments: ["DELETE FROM outbox WHERE id = 2", "DELETE FROM outbox", "TRUNCATE outbox"])
    func whereDeliveredRowsWereDeletedItLeadsAgain(_ cleanUp: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        let relay = try relay(on: database)
        var rows: [DeliveredRow] = []
        _ = try await lead(relay) { rows = try await delivered($0) }
        try await database.execute(cleanUp)
        _ = try await lead(relay, lastEpoch: 1, unsettled: rows) { #expect($0.epoch == 2) }
        #expect(try await database.value("SELECT stopped_reason FROM outbox_leader") == nil)
    }

    @Test(arguments: [
        "UPDATE outbox SET created_at = created_at + interval '1 s' WHERE id = 2",
        "DELETE FROM outbox WHERE id > 1; SELECT setval('outbox_id_seq', 1)",
        "DELETE FROM outbox WHERE id > 1; ALTER SEQUENCE outbox_id_seq RESTART; SELECT setval('outbox_id_seq', 9)",
    ])
    func whereDeliveredRowsAreOthersItStops(_ accident: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        let relay = try relay(on: database)
        var rows: [DeliveredRow] = []
        _ = try await lead(relay) { rows = try await delivered($0) }
        try await database.execute(accident)
        let stop = await #expect(throws: RelayStop.self) {
            _ = try await lead(relay, lastEpoch: 1, unsettled: rows)
        }
        #expect(stop?.wentBack == true && stop?.message.contains("event 2,") == true, "\(stop?.message ?? "")")
        #expect(try await database.isTrue("SELECT stopped_reason LIKE '%event 2,%' FROM outbox_leader"))
    }

    /// What is settled may have been purged: a row at or below every cursor is not missed.
    @Test(arguments: [(1, true), (2, false)])
    func aMissingRowThatIsSettledIsNotMissed(_ cursor: Int64, _ isMissed: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        let (first, other) = (try relay(on: database), try relay(on: database))
        var rows: [DeliveredRow] = []
        _ = try await lead(first) { rows = try await delivered($0) }
        try await database.execute(
            "DELETE FROM outbox WHERE id <= 2; UPDATE outbox_sink SET start = NULL, delivered_through = \(cursor)")
        // It has never led, and cannot tell a deletion.
        if isMissed {
            await #expect(throws: RelayStop.self) { _ = try await lead(other, unsettled: rows) }
        } else {
            _ = try await lead(other, unsettled: rows)
        }
        #expect(try await database.isTrue("SELECT stopped_reason IS NOT NULL FROM outbox_leader") == isMissed)
    }
}
