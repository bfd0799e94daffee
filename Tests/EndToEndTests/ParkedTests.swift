import Foundation
import RelayTestKit
import Testing
import WebhookReceiver

/// `outbox-relay parked` against a running relay: the leader does what is asked.
@Suite(.heavy) struct ParkedTests {
    /// Event 3 is rejected; 3, 5 and 6 have one key.
    private func insert(_ database: TestDatabase) async throws {
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', CASE WHEN n IN (3, 5, 6) THEN 'x' ELSE 'k' || n END, 't.made', '{}' FROM generate_series(1, 8) n
            """)
    }

    private func configuration(_ folder: SinkFolder, _ receiver: WebhookReceiver) throws -> [String] {
        try folder.configuration(
            """
            sinks:
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", on_reject: park-key, retry: {base: 5ms, max: 50ms}}
            """)
    }

    private func parked(_ database: TestDatabase, _ arguments: String...) async throws -> (ProcessEnd, String) {
        let (status, command) = try await RelayProcess.command(
            ["parked"] + arguments + ["--database", database.conninfo])
        return (status, command.output.strays.joined(separator: "\n") + command.log.text)
    }

    @Test func listRetryAndDiscard() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "3" ? 422 : 200) }
        let relay = try await RelayProcess.leading(database, .poll, try configuration(folder, receiver))
        try await insert(database)
        try await database.becomesSettled()

        let (listed, text) = try await parked(database, "list", "--sink", "hook")
        #expect(listed == .exited(0))
        #expect(text.split(separator: "\n").map { $0.prefix { $0 != " " } } == ["3", "5", "6"])
        #expect(text.contains("422"))
        let (_, json) = try await parked(database, "list", "--sink", "hook", "--json")
        let entries = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
        #expect(entries.map { $0["behind"] as? Int } == [nil, 3, 3])

        // Rejected once more: the command says so and fails.
        let (again, reason) = try await parked(database, "retry", "--sink", "hook", "--all", "--wait")
        #expect(again == .exited(1))
        #expect(reason.contains("422"))
        receiver.answer { _ in ReceiverAnswer(200) }
        #expect(try await parked(database, "retry", "--sink", "hook", "--id", "3", "5", "--wait").0 == .exited(0))
        #expect(try await parked(database, "discard", "--sink", "hook", "--id", "6", "--wait").0 == .exited(0))
        let ids = receiver.requests.compactMap { $0["webhook-id"] }
        #expect(ids.suffix(2) == ["3", "5"])
        #expect(!ids.contains("6"))
        #expect(try await parked(database, "list", "--sink", "hook", "--json").1 == "[]")
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    /// An index takes no key beyond a third of a page; such an event is parked like any other, and no sink waits for it.
    @Test func aKeyOfAnySize() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "2" ? 422 : 200) }
        let relay = try await RelayProcess.leading(
            database, .poll,
            try folder.configuration(
                """
                sinks:
                  - {name: stdout, to: stdout}
                  - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", on_reject: park-key}
                """))
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', CASE WHEN n IN (2, 4) THEN k ELSE 'k' || n END, 't.made', '{}' FROM generate_series(1, 6) n,
              (SELECT string_agg(md5(m::text), '') AS k FROM generate_series(1, 400) m) AS large
            """)
        try await relay.waitForEvents(6)
        try await database.becomesSettled()
        #expect(try await database.numbers("SELECT id FROM outbox_parked ORDER BY 1") == [2, 4])
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    @Test(arguments: [
        (["retry", "--sink", "hook"], "--all"),
        (["retry", "--sink", "nobody", "--all"], "sink nobody is not registered"),
        (["retry", "--sink", "hook", "--id", "7"], "event 7 is not parked"),
        (["retry", "--sink", "hook", "--id", "5"], "behind event 3"),
    ])
    func whatCannotBeDoneIsRefused(_ arguments: [String], _ sentence: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            INSERT INTO outbox_sink (name) VALUES ('hook');
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
              reason, behind)
            VALUES ('hook', 3, 't', 'x', 't.made', '{}', '{}', now(), 'no', NULL),
              ('hook', 5, 't', 'x', 't.made', '{}', '{}', now(), 'behind', 3)
            """)
        let (status, command) = try await RelayProcess.command(
            ["parked"] + arguments + ["--database", database.conninfo])
        #expect(status == .exited(64))
        #expect(command.log.text.contains(sentence), "\(command.log.text)")
    }
}
