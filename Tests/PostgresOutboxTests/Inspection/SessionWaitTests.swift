import Libpq
import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// Whoever a leader's sessions wait for is named.
@Suite struct SessionWaitTests {
    /// A leader with a further session on record.
    private func withLeader(
        _ database: TestDatabase, leaderTimeout: Duration = .seconds(20),
        _ body: (LeaderSession, Session) async throws -> Void
    ) async throws {
        try await database.withLeader(leaderTimeout: leaderTimeout) { leader in
            #expect(try await leader.tryLock())
            try await leader.commitEpoch(try #require(try await leader.raiseEpoch()))
            let work = try await database.session(.work)
            #expect(try await leader.record(work, role: .work))
            try await body(leader, work)
            await work.close()
        }
    }

    @Test func aLockOnATable() async throws {
        let database = try await PrivateCluster.shared().database()
        try await withLeader(database) { leader, work in
            #expect(try await leader.waits() == [])
            try await database.withConnection { holder in
                try await holder.execute(
                    "SET application_name = 'an operator'; BEGIN; LOCK TABLE outbox_late IN ACCESS EXCLUSIVE MODE")
                async let blocked = work.connection.execute("SELECT FROM outbox_late")
                try await eventually("the wait is seen") { try await leader.waits().isEmpty == false }
                let wait = try #require(try await leader.waits().first)
                #expect(wait.pid == work.backendPID && wait.role == "work" && wait.cause == "lock on outbox_late")
                #expect(wait.heldBy == [.init(pid: holder.info.backendPID, applicationName: "an operator")])
                #expect(
                    wait.sentence.contains("lock on outbox_late, held by pid \(holder.info.backendPID) (an operator)")
                )
                #expect(wait.seconds >= 1)
                try await holder.execute("COMMIT")
                _ = try await blocked
            }
            #expect(try await leader.waits() == [])
        }
    }

    @Test func aPreparedTransaction() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert()
        try await withLeader(database) { leader, work in
            try await database.execute("BEGIN; DELETE FROM outbox; PREPARE TRANSACTION '\(database.name)'")
            async let blocked = work.connection.execute("UPDATE outbox SET published_at = now()")
            try await eventually("the wait is seen") { try await leader.waits().first?.heldBy.isEmpty == false }
            let wait = try #require(try await leader.waits().first)
            #expect(wait.heldBy.map(\.gid) == [database.name])
            #expect(wait.sentence.contains("prepared transaction \(database.name)"))
            try await database.execute("ROLLBACK PREPARED '\(database.name)'")
            _ = try await blocked
        }
    }

    /// The leader session cannot look at itself while it waits: what it says then names who made it wait.
    @Test(arguments: ["outbox_leader", "outbox_sink", "outbox_migration", "outbox_parked"])
    func theBeatItself(_ table: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader(leaderTimeout: .seconds(2)) { leader in
            _ = try await leader.beat()
            try await database.withConnection { holder in
                try await holder.execute(
                    """
                    SET application_name = 'an operator'; BEGIN;
                    LOCK TABLE \(SQLText(name: table)) IN ACCESS EXCLUSIVE MODE
                    """)
                let error = await #expect(throws: PostgresError.self) { _ = try await leader.beat() }
                let sentence = try #require(error).message
                #expect(
                    sentence.contains(
                        "pid \(holder.info.backendPID) (an operator) holds AccessExclusiveLock on \(table)"),
                    "\(sentence)")
            }
        }
    }

    /// A row that an operator has locked, of a table whose lock is nobody's.
    @Test func aLockedRowOfTheLeaders() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader(leaderTimeout: .seconds(2)) { leader in
            try await database.withConnection { holder in
                try await holder.execute("BEGIN; SELECT FROM outbox_leader FOR UPDATE")
                let error = await #expect(throws: PostgresError.self) { _ = try await leader.raiseEpoch() }
                let sentence = try #require(error).message
                #expect(
                    sentence.contains("pid \(holder.info.backendPID) () holds RowShareLock on outbox_leader"),
                    "\(sentence)")
            }
            #expect(try await leader.raiseEpoch() != nil)
        }
    }

    /// A leader that opens many sessions, one after the other, leaves no trail of them.
    @Test func sessionsThatAreGoneAreForgotten() async throws {
        let database = try await PrivateCluster.shared().database()
        try await withLeader(database) { leader, _ in
            for _ in 0..<5 {
                let reader = try await database.session(.read)
                #expect(try await leader.record(reader, role: .read))
                await reader.close()
                try await eventually("it is gone") {
                    try await database.number(
                        "SELECT count(*) FROM pg_stat_activity WHERE pid = \(reader.backendPID)") == 0
                }
            }
            #expect(try await database.numbers("SELECT count(*) FROM outbox_leader_session") == [3])
        }
    }
}
