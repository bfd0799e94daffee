import Foundation
import RelayTestKit
import Testing
import WebhookReceiver

/// `outbox-relay parked add`: an operator gets past one event that blocks a sink, and keeps it.
@Suite(.heavy) struct ParkedAddTests {
    private func parked(_ database: TestDatabase, _ arguments: String...) async throws -> (ProcessEnd, String) {
        try await parked(database, arguments)
    }

    private func parked(_ database: TestDatabase, _ arguments: [String]) async throws -> (ProcessEnd, String) {
        let (status, command) = try await RelayProcess.command(
            ["parked"] + arguments + ["--database", database.conninfo])
        return (status, command.output.strays.joined(separator: "\n") + command.log.text)
    }

    @Test(arguments: ["id", "key"]) func theEventThatBlocksIsKeptAndTheRestGoesOn(_ order: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "3" ? 422 : 200) }
        // Tried again once an hour: what goes on does so since it was asked to.
        let relay = try await RelayProcess.leading(
            database, .poll,
            try folder.configuration(
                """
                sinks:
                  - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", order: \(order), retry: {base: 5ms, max: 1h}}
                """))
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', 'k', 't.made', jsonb_build_object('n', n) FROM generate_series(1, 8) n
            """)
        let rejected = try await relay.waitForLog("rejected")
        #expect(rejected.fields["id"] == "3", "\(rejected)")
        #expect(try await parked(database, "add", "--sink", "hook", "--id", "3", "--wait").0 == .exited(0))
        try await database.becomesSettled()
        #expect(receiver.requests.compactMap { $0["webhook-id"] }.suffix(5) == ["4", "5", "6", "7", "8"])
        let (_, json) = try await parked(database, "list", "--sink", "hook", "--json")
        let entries = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect(entries.map { $0["id"] as? Int } == [3])
        #expect(try await database.number("SELECT count(*) FROM outbox_parked_request") == 0)

        receiver.answer { _ in ReceiverAnswer(200) }
        #expect(try await parked(database, "retry", "--sink", "hook", "--id", "3", "--wait").0 == .exited(0))
        #expect(receiver.requests.last?["webhook-id"] == "3")
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    /// A request outlives the leader that read it.
    @Test func theNextLeaderDoesItWhereOneWasKilled() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "1" ? 422 : 200) }
        let options = try folder.configuration(
            """
            sinks: [{name: hook, to: "http://127.0.0.1:\(receiver.port)/", retry: {base: 5ms, max: 1h}}]
            """)
        let first = try await RelayProcess.leading(database, .poll, options)
        try await database.insert(3)
        try await first.waitForLog("rejected")
        try await first.kill()
        #expect(try await parked(database, "add", "--sink", "hook", "--id", "1").0 == .exited(0))
        // As a leader leaves it that has read it and gone no further.
        try await database.execute("UPDATE outbox_parked_request SET taken_by = (SELECT epoch FROM outbox_leader)")
        let next = try await RelayProcess.leading(database, .poll, options)
        try await database.becomesSettled()
        #expect(try await database.numbers("SELECT id FROM outbox_parked") == [1])
        #expect(try await next.stop() == .exited(0))
        await receiver.stop()
    }

    @Test(arguments: [
        (["add", "--sink", "hook"], "--id"),
        (["add", "--sink", "nobody", "--id", "7"], "sink nobody is not registered"),
        (["add", "--sink", "hook", "--id", "99"], "holds no event 99"),
        (["add", "--sink", "hook", "--id", "2"], "already has event 2"),
        (["add", "--sink", "hook", "--id", "3"], "event 3 is already parked for sink hook"),
        (["add", "--sink", "leaving", "--id", "5"], "is being removed"),
        (["add", "--sink", "passing", "--id", "5"], "skips event 5"),
    ])
    func whatMakesNoSenseIsRefused(_ arguments: [String], _ sentence: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(6)
        try await database.execute(
            """
            INSERT INTO outbox_sink (name, delivered_through, start, removing, pass_through)
            VALUES ('hook', 4, NULL, false, NULL), ('leaving', 0, NULL, true, NULL), ('passing', 0, NULL, false, 6);
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
              reason)
            VALUES ('hook', 3, 't', 'x', 't.made', '{}', '{}', now(), 'no')
            """)
        let (status, text) = try await parked(database, arguments)
        #expect(status == .exited(64), "\(text)")
        #expect(text.contains(sentence), "\(text)")
        #expect(try await database.number("SELECT count(*) FROM outbox_parked_request") == 0)
    }
}
