import Foundation
import Libpq
import RelayTestKit
import Testing

/// `status` names what keeps the relay from working, and calls no sink live meanwhile: the relay itself is stuck.
@Suite(.heavy) struct StatusWaitsTests {
    private func status(_ database: TestDatabase) async throws -> [String: Any] {
        let (status, command) = try await RelayProcess.command(["status", "--json", "--database", database.conninfo])
        #expect(status == .exited(0), "\(command.log.text)")
        let text = command.output.strays.joined()
        return try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    private func waits(_ status: [String: Any]) -> [[String: Any]] { status["waits"] as? [[String: Any]] ?? [] }

    private func states(_ status: [String: Any]) -> [String] {
        (status["sinks"] as? [[String: Any]] ?? []).compactMap { $0["state"] as? String }
    }

    private func holders(_ wait: [String: Any]) -> [[String: Any]] { wait["held_by"] as? [[String: Any]] ?? [] }

    /// A relay that has delivered something and is live.
    private func live(_ database: TestDatabase) async throws -> RelayProcess {
        let relay = try await RelayProcess.leading(database, .poll)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        try await eventually("status says live") {
            let status = try await status(database)
            return states(status) == ["live"] && waits(status).isEmpty
        }
        return relay
    }

    @Test(arguments: [
        "outbox_sink", "outbox", "outbox_published", "outbox_unpublished", "outbox_late", "outbox_absent",
        "outbox_leader", "outbox_leader_session", "outbox_sink_state",
    ])
    func aLockOnOneOfTheTables(_ table: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await live(database)
        try await database.withConnection { operatorSession in
            try await operatorSession.execute(
                """
                SET application_name = 'an operator'; BEGIN;
                LOCK TABLE \(SQLText(name: table)) IN ACCESS EXCLUSIVE MODE
                """)
            let pid = Int(operatorSession.info.backendPID)
            // Nobody settles without these; the others stop the relay's notes alone.
            if ["outbox_leader_session", "outbox_sink_state"].contains(table) {
                _ = try await status(database)
            } else {
                try await eventually("the pid that is waited for is told") {
                    let status = try await status(database)
                    let named = waits(status).contains { wait in
                        (wait["for"] as? String)?.contains(table) == true
                            && holders(wait).contains {
                                $0["pid"] as? Int == pid && $0["application_name"] as? String == "an operator"
                            }
                    }
                    return named && !states(status).contains("live")
                }
                let (_, text) = try await RelayProcess.command(["status", "--database", database.conninfo])
                #expect(
                    text.output.strays.contains { $0.contains("waiting") && $0.contains("pid \(pid) (an operator)") },
                    "\(text.output.strays)")
            }
            try await operatorSession.execute("ROLLBACK")
        }
        try await eventually("status says live again") {
            let status = try await status(database)
            return states(status) == ["live"] && waits(status).isEmpty
        }
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func aPreparedTransaction() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await live(database)
        try await database.execute(
            "BEGIN; LOCK TABLE outbox_published IN SHARE MODE; PREPARE TRANSACTION '\(database.name)'")
        try await database.insert(1)
        try await eventually("its gid is told") {
            let status = try await status(database)
            return waits(status).flatMap(holders).contains { $0["gid"] as? String == database.name }
                && !states(status).contains("live")
        }
        try await database.execute("ROLLBACK PREPARED '\(database.name)'")
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func aLockThatIsThereBeforeAnyRelay() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.withConnection { operatorSession in
            try await operatorSession.execute("BEGIN; LOCK TABLE outbox_sink IN ACCESS EXCLUSIVE MODE")
            try await eventually("the pid is told") {
                let status = try await status(database)
                return waits(status).flatMap(holders).contains {
                    $0["pid"] as? Int == Int(operatorSession.info.backendPID)
                }
            }
            try await operatorSession.execute("ROLLBACK")
        }
    }

    @Test func aCommitThatWaitsForAStandby() async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        let relay = try await live(database)
        try cluster.set(["synchronous_standby_names": "nobody"])
        cluster.reload()
        try await eventually("the setting is in force") {
            try await database.value("SHOW synchronous_standby_names") == "nobody"
        }
        try await database.execute(
            """
            SET synchronous_commit = local;
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('t', 'a', 't.x', '{}')
            """)
        try await relay.waitForEvents(6)
        try await eventually("the standby is told") {
            let status = try await status(database)
            return waits(status).contains {
                $0["session"] as? String == "work" && $0["for"] as? String == "synchronous standby"
            } && !states(status).contains("live")
        }
        try cluster.set(["synchronous_standby_names": ""])
        cluster.reload()
        try await database.becomesSettled()
        try await eventually("status says live again") { states(try await status(database)) == ["live"] }
        #expect(try await relay.stop() == .exited(0))
    }
}
