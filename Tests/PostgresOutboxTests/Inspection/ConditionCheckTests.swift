import Foundation
import Libpq
import RelayTestKit
import Synchronization
import Testing

@testable import PostgresOutbox

/// What `doctor` says of what lets a relay lose ground in time.
@Suite struct ConditionCheckTests {
    /// What one look gives.
    private func look(
        _ database: TestDatabase, _ check: (Inspector) async throws -> Check
    ) async throws -> Check {
        try await database.withAdministrator { try await check(Inspector($0)) }
    }

    @Test(arguments: [true, false]) func nothingIsWrongAfterTheMigrations(_ isStreaming: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        let checks = try await database.withAdministrator { session in
            try await Inspector(session, limit: .seconds(20)).conditionChecks(RelayNeeds(isStreaming: isStreaming))
        }
        let names = [
            "sequence_room", "autovacuum", "bloat", "vacuum_horizon", "server_wal", "wal_size",
            "max_slot_wal_keep_size", "clock",
            "unconfigured_sink",
        ]
        #expect(checks.map(\.name) == names.filter { isStreaming || $0 != "max_slot_wal_keep_size" })
        #expect(checks.filter { !$0.ok } == [])
    }

    // MARK: - The table

    @Test func aSequenceThatEnds() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER SEQUENCE outbox_id_seq AS integer")
        #expect(try await look(database) { try await $0.sequenceRoomCheck() }.ok)
        for (last, severity) in [(2_000_000_000, Check.Severity.warning), (2_147_000_000, .error)] {
            _ = try await database.query("SELECT setval('outbox_id_seq', \(last))")
            let found = try await look(database) { try await $0.sequenceRoomCheck() }
            #expect(found.severity == severity)
            #expect(found.problem?.contains("has issued \(last) of its 2147483647 ids") == true, "\(found)")
        }
        try await database.execute("ALTER SEQUENCE public.outbox_id_seq AS bigint NO MAXVALUE")
        #expect(try await look(database) { try await $0.sequenceRoomCheck() }.ok)
    }

    @Test(arguments: ["outbox_unpublished", "outbox_sink", "outbox_late"])
    func aTableThatNothingVacuums(_ table: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER TABLE \(table) SET (autovacuum_enabled = off)")
        let found = try await look(database) { try await $0.autovacuumCheck() }
        #expect(found.severity == .warning && found.problem?.hasPrefix("autovacuum is off for \(table)") == true)
    }

    @Test func rowsThatNobodyCounts() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER DATABASE \(database.name) SET track_counts = off")
        let found = try await look(database) { try await $0.autovacuumCheck() }
        #expect(found.severity == .warning && found.problem?.hasPrefix("track_counts is off") == true)
    }

    @Test func deadRows() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("ALTER TABLE outbox_unpublished SET (autovacuum_enabled = off)")
        try await database.insert(120_000, bytes: 1)
        try await database.execute("UPDATE outbox SET published_at = now()")
        try await eventually("the server has counted them") {
            try await look(database) { try await $0.bloatCheck() }.ok == false
        }
        let found = try await look(database) { try await $0.bloatCheck() }
        #expect(found.severity == .warning)
        #expect(found.problem?.contains("outbox_unpublished has 120000 dead rows beside 0 live ones") == true)
        #expect(found.problem?.hasSuffix("was never vacuumed") == true)
        try await database.execute("VACUUM outbox_unpublished")
        try await eventually("the server has counted that") {
            try await look(database) { try await $0.bloatCheck() }.ok
        }
    }

    @Test func aSnapshotThatIsHeld() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { reader in
            try await reader.execute(
                "SET application_name = 'a report'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM outbox")
            let found = try await look(database) { try await $0.vacuumHorizonCheck(olderThan: 0) }
            #expect(found.severity == .warning)
            #expect(found.problem?.contains("pid \(reader.info.backendPID) (a report) for ") == true, "\(found)")
            #expect(try await look(database) { try await $0.vacuumHorizonCheck() }.ok, "it has not been for long")
        }
    }

    @Test func aPreparedTransaction() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("BEGIN; DELETE FROM outbox_late; PREPARE TRANSACTION '\(database.name)'")
        let found = try await look(database) { try await $0.vacuumHorizonCheck(olderThan: 0) }
        #expect(found.problem?.contains("prepared transaction \(database.name) for ") == true, "\(found)")
        try await database.execute("ROLLBACK PREPARED '\(database.name)'")
    }

    // MARK: - The server

    @Test func walThatIsKept() async throws {
        let cluster = try await PrivateCluster.start(settings: ["max_slot_wal_keep_size": "64MB"])
        let database = try await cluster.database()
        let limited = try await look(database) { try await $0.slotLimitCheck(maxSlotWAL: 1 << 30) }
        #expect(limited.severity == .warning && limited.problem?.contains("is 64 MiB") == true, "\(limited)")
        #expect(try await look(database) { try await $0.slotLimitCheck(maxSlotWAL: 64 << 20) }.ok)
        _ = try await database.query("SELECT pg_create_physical_replication_slot('forgotten', true)")
        try await database.insert(10)
        let found = try await look(database) { try await $0.serverWALCheck(heldFrom: 1) }
        #expect(found.severity == .warning)
        #expect(found.problem?.contains("forgotten, which nobody reads, holds ") == true, "\(found)")
        #expect(try await look(database) { try await $0.serverWALCheck() }.ok, "it holds little")
    }

    @Test func walThatIsTooMuch() async throws {
        let database = try await PrivateCluster.shared().database()
        let found = try await look(database) { try await $0.walSizeCheck(over: 0) }
        #expect(found.severity == .warning && found.problem?.contains("more than 0 times") == true, "\(found)")
        #expect(try await look(database) { try await $0.walSizeCheck() }.ok)
    }

    /// Nothing is asked of a role that `run` does not need.
    @Test func whatTheRoleMayNotSee() async throws {
        let database = try await PrivateCluster.shared().database()
        let role = "blind_\(database.name)"
        try await database.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA public TO \(role);
            GRANT ALL ON ALL TABLES IN SCHEMA public TO \(role); GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO \(role)
            """)
        let session = try await database.session(user: role)
        let checks = try await Inspector(session, limit: .seconds(20)).doctorChecks(RelayNeeds(isStreaming: true))
        let folders = try await Inspector(session).serverFolders()
        await session.close()
        #expect(checks.filter { !$0.ok }.map(\.name) == ["monitoring"], "\(checks.filter { !$0.ok })")
        #expect(checks.filter { $0.notChecked != nil }.map(\.name) == ["vacuum_horizon", "wal_size"])
        #expect(folders.data == nil && folders.tablespaces.isEmpty && folders.areLocal)
    }

    @Test func whereTheServerKeepsItsData() async throws {
        let database = try await PrivateCluster.shared().database()
        let folders = try await database.withAdministrator { try await Inspector($0).serverFolders() }
        #expect(folders.data == "\(database.cluster.folder)/data" && folders.tablespaces.isEmpty)
    }

    @Test(arguments: [(-5_000_000, "5.0 s ahead of"), (5_000_000, "5.0 s behind"), (-100_000_000, "100.0 s ahead of")])
    func clocksThatDiffer(_ shift: Int64, _ words: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let found = try await look(database) { inspector in
            try await inspector.clockCheck { Self.now + shift }
        }
        // Tenths of a second are lost on the way to a busy server and back.
        let about = words.split(separator: " ").dropFirst().joined(separator: " ")
        #expect(found.severity == .warning && found.problem?.contains(about) == true, "\(found)")
    }

    @Test func clocksThatDifferByWhatTheQuestionTook() async throws {
        let database = try await PrivateCluster.shared().database()
        // Each look at the clock is 10 s after the one before: the server's may be anywhere between.
        let looks = Steps()
        #expect(try await look(database) { inspector in try await inspector.clockCheck { looks.next() } }.ok)
    }

    private static var now: Int64 { Int64(Date().timeIntervalSince1970 * 1_000_000) }

    /// A clock that is asked before and after a question, which seems to take 10 s.
    private final class Steps: Sendable {
        private let isAnswer = Mutex(false)

        func next() -> Int64 {
            let shift: Int64 = isAnswer.withLock { isAnswer in
                defer { isAnswer.toggle() }
                return isAnswer ? 5_000_000 : -5_000_000
            }
            return ConditionCheckTests.now + shift
        }
    }

    // MARK: - Questions without an answer

    @Test func aCheckWithoutAnAnswerFailsByItself() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { holder in
            try await holder.execute("BEGIN; LOCK TABLE outbox_sink_state IN ACCESS EXCLUSIVE MODE")
            let checks = try await database.withAdministrator { session in
                try await Inspector(session, limit: .milliseconds(500)).doctorChecks(RelayNeeds())
            }
            let found = try #require(checks.last)
            #expect(found.name == "unconfigured_sink" && found.severity == .warning)
            #expect(found.problem?.contains("could not be looked at: the server did not answer") == true, "\(found)")
            #expect(checks.contains { $0.name == "clock" } && checks.contains { $0.name == "bloat" })
        }
    }

    @Test func withoutAnyAnswerNothingIsJudged() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { holder in
            try await holder.execute("BEGIN; LOCK TABLE outbox_sink IN ACCESS EXCLUSIVE MODE")
            let refusal = await #expect(throws: Refusal.self) {
                try await database.withAdministrator { session in
                    try await Inspector(session, limit: .milliseconds(500)).doctorChecks(RelayNeeds())
                }
            }
            #expect(refusal?.check == "locks" && refusal?.kind == .unreachable)
        }
    }
}
