import Libpq
import RelayCore
import RelayTestKit
import Testing

@testable import PostgresOutbox

/// The leader's lock and the epoch: who leads, and that nobody else does.
@Suite struct TakingOverTests {
    private func recorded(_ database: TestDatabase) async throws -> [Int64] {
        try await database.numbers("SELECT pid FROM outbox_leader_session ORDER BY role, pid")
    }

    private func begins(_ leader: LeaderSession) async throws {
        try await leader.commitEpoch(try #require(try await leader.raiseEpoch()))
        try await leader.recordServer()
    }

    @Test func oneSessionHasTheLockUntilItEnds() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader { first in
            #expect(try await first.holderOfLock() == nil)
            #expect(try await first.tryLock())
            try await database.withLeader { second in
                #expect(try await second.tryLock() == false)
                #expect(try await second.holderOfLock() == first.session.backendPID)
                #expect(try await second.session.seesLeader(first.session.backendPID))
                #expect(try await second.session.seesLeader(second.session.backendPID) == false)
                await first.close()
                try await eventually("the lock is free") { try await second.tryLock() }
                #expect(try await second.holderOfLock() == second.session.backendPID)
            }
        }
    }

    /// Another database's leader is nobody to this one.
    @Test func theLockIsOneOfItsDatabase() async throws {
        let (one, other) = (
            try await PrivateCluster.shared().database(), try await PrivateCluster.shared().database()
        )
        try await one.withLeader { first in
            #expect(try await first.tryLock())
            try await other.withLeader { second async throws in
                #expect(try await second.holderOfLock() == nil)
                #expect(try await second.session.seesLeader(first.session.backendPID) == false)
                #expect(try await second.tryLock())
            }
        }
    }

    @Test func anEpochFollowsOnlyOnceItsPredecessorIsGone() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader { first in
            let begun = try #require(try await first.raiseEpoch())
            #expect(begun == Succession(epoch: 1, previousEpoch: 0, previousLeader: nil, serverIsNew: false))
            try await first.commitEpoch(begun)
            #expect(await first.epoch == 1)
            #expect(try await database.query("SELECT epoch, host FROM outbox_leader") == [["1", "test"]])
            #expect(try await recorded(database) == [Int64(first.session.backendPID)])
            try await database.withLeader { second in
                #expect(try await second.raiseEpoch() == nil)
                let lingering = LingeringSession(pid: first.session.backendPID, role: "leader")
                #expect(try await second.endPredecessors() == [lingering])
                try await eventually("the predecessor is gone") { try await second.endPredecessors().isEmpty }
                let next = try #require(try await second.raiseEpoch())
                #expect(
                    next == Succession(epoch: 2, previousEpoch: 1, previousLeader: first.mark, serverIsNew: false))
                try await second.commitEpoch(next)
                #expect(try await recorded(database) == [Int64(second.session.backendPID)])
            }
        }
    }

    /// Everybody is waited for on a new server; who is lost meanwhile has waited for nobody, and his successor waits.
    @Test func aServerIsNewUntilALeaderHasRecordedIt() async throws {
        let database = try await PrivateCluster.shared().database()
        let next = { (records: Bool) -> Bool in
            try await database.withLeader { leader in
                try await eventually("the predecessor is gone") { try await leader.endPredecessors().isEmpty }
                let succession = try #require(try await leader.raiseEpoch())
                try await leader.commitEpoch(succession)
                if records { try await leader.recordServer() }
                return succession.serverIsNew
            }
        }
        #expect(try await next(true) == false)
        try await database.execute("UPDATE outbox_leader SET postmaster_start = '2020-01-01'")
        #expect(try await next(false))
        #expect(try await next(true))
        #expect(try await next(true) == false)
        try await database.execute("UPDATE outbox_leader SET timeline = 7")
        #expect(try await next(false))
        #expect(try await next(true))
        #expect(try await next(false) == false)
    }

    /// A work session that outlives its leader could write still.
    @Test func aFurtherSessionOfThePredecessorIsEndedToo() async throws {
        let database = try await PrivateCluster.shared().database()
        let work = try await database.session(.work)
        try await database.withLeader { first in
            try await begins(first)
            #expect(try await first.record(work, role: .work))
        }
        try await database.withLeader { second in
            try await eventually("the leader is gone") {
                try await database.number(
                    "SELECT count(*) FROM outbox_leader_session JOIN pg_stat_activity USING (pid, backend_start)") == 1
            }
            #expect(try await second.raiseEpoch() == nil)
            let lingering = LingeringSession(pid: work.backendPID, role: "work")
            #expect(try await second.endPredecessors() == [lingering])
            try await eventually("nothing lingers") { try await second.endPredecessors().isEmpty }
            #expect(try await second.raiseEpoch() != nil)
        }
        await work.close()
    }

    @Test func anEpochThatIsNotCommittedIsNobodys() async throws {
        let database = try await PrivateCluster.shared().database()
        for _ in 1...2 {
            let begun = try await database.withLeader { try await $0.raiseEpoch() }
            #expect(begun?.epoch == 1)
        }
        #expect(try await database.number("SELECT epoch FROM outbox_leader") == 0)
        #expect(try await recorded(database) == [])
    }

    @Test func aStopIsWrittenWhereItsConditionHoldsAndNobodyLeadsThen() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader { leader in
            #expect(try await leader.writeStop("it's so", condition: Statement("false")) == false)
            #expect(try await leader.beat().stoppedReason == nil)
            #expect(try await leader.writeStop("it's so", condition: Statement("true")))
            #expect(try await leader.writeStop("another", condition: Statement("true")), "a stop stands")
            #expect(try await leader.beat().stoppedReason == "it's so")
            #expect(try await leader.raiseEpoch() == nil)
            try await database.execute("UPDATE outbox_leader SET stopped_reason = NULL")
            #expect(try await leader.raiseEpoch()?.epoch == 1, "no transaction was left open")
        }
    }

    @Test func aDeposedLeaderRecordsNoSession() async throws {
        let database = try await PrivateCluster.shared().database()
        let work = try await database.session(.work)
        try await database.withLeader { leader in
            try await begins(leader)
            try await database.execute("UPDATE outbox_leader SET epoch = epoch + 1")
            #expect(try await leader.record(work, role: .work) == false)
            #expect(try await recorded(database) == [Int64(leader.session.backendPID)])
        }
        await work.close()
    }

    /// What a deposed leader notes would hide what its successor has noted.
    @Test func aDeposedLeaderNotesNoMode() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader { leader in
            try await begins(leader)
            try await leader.note(LeaderStatus(mode: "poll", isStreaming: false, orderHold: nil, sinks: []))
            #expect(try await database.value("SELECT mode FROM outbox_leader") == "poll")
            try await database.execute("UPDATE outbox_leader SET epoch = epoch + 1")
            try await leader.note(LeaderStatus(mode: "wal", isStreaming: true, orderHold: nil, sinks: []))
            #expect(try await database.query("SELECT mode, streaming FROM outbox_leader") == [["poll", "f"]])
        }
    }

    @Test(arguments: ["postmaster_start = '2001-01-01'", "timeline = timeline + 1"])
    func aServerThatWasRestartedOrPromotedSinceIsNew(_ change: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withLeader { try await begins($0) }
        try await database.execute("UPDATE outbox_leader SET \(change)")
        try await database.withLeader { leader in
            try await eventually("the predecessor is gone") { try await leader.endPredecessors().isEmpty }
            #expect(try await leader.raiseEpoch()?.serverIsNew == true)
        }
    }
}
