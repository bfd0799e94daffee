import Foundation
import RelayTestKit
import Synchronization
import Testing
import WebhookReceiver

/// A replay into files and webhooks.
@Suite(.heavy) struct ReplayIntoSinksTests {
    private func replay(
        _ database: TestDatabase, _ configuration: [String], _ arguments: [String]
    ) async throws -> (status: ProcessEnd, relay: RelayProcess) {
        try await RelayProcess.command(["replay", "--database", database.conninfo] + configuration + arguments)
    }

    private func configuration(_ folder: SinkFolder, _ receiver: WebhookReceiver, _ more: String) throws -> [String] {
        try folder.configuration(
            """
            sinks:
              - {name: live, to: "file:FOLDER/live.jsonl"}
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", \(more)}
            """)
    }

    private func ids(_ receiver: WebhookReceiver) -> [Int64] {
        receiver.requests.compactMap { $0["webhook-id"].flatMap(Int64.init) }
    }

    @Test func intoANewFile() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5000)
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        let options = try configuration(folder, receiver, "timeout: 5s")
        let into = ["--sink", "live", "--from", "2", "--into", "file:\(folder.path)/again.jsonl"]
        #expect(try await replay(database, options, into).status == .exited(0))
        #expect(try folder.ids("again.jsonl") == Array(2...5000))
        #expect(try folder.files("live").isEmpty)
        #expect(try await replay(database, options, into).status == .exited(64))
        #expect(receiver.count == 0)
        await receiver.stop()
    }

    @Test func anOutageIsRiddenOut() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(50)
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        receiver.answer { request in
            ReceiverAnswer(request["webhook-id"] == "20" && receiver.count < 30 ? 503 : 200)
        }
        let options = try configuration(folder, receiver, "retry: {base: 1ms, max: 20ms}")
        let (status, relay) = try await replay(database, options, ["--sink", "hook", "--from", "1"])
        #expect(status == .exited(0), "\(relay.log.text)")
        #expect(relay.log.text.contains("fails and is tried again"))
        #expect(relay.log.text.contains("works again"))
        let arrived = ids(receiver)
        #expect(Array(arrived.prefix(19)) == Array(1...19))
        #expect(Array(arrived.suffix(31)) == Array(20...50))
        await receiver.stop()
    }

    @Test(arguments: [("block", 1...9, "continue with --from 10"), ("park-key", 1...9, "continue with --from 10")])
    func aRejectedEventEndsIt(_ onReject: String, _ delivered: ClosedRange<Int64>, _ told: String) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(30)
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "10" ? 410 : 200) }
        let options = try configuration(folder, receiver, "on_reject: \(onReject)")
        let (status, relay) = try await replay(database, options, ["--sink", "hook", "--from", "1"])
        #expect(status == .exited(1), "\(relay.log.text)")
        #expect(relay.log.text.contains(told) && relay.log.text.contains("rejects event 10"), "\(relay.log.text)")
        #expect(ids(receiver) == Array(delivered) + [10])
        #expect(try await database.number("SELECT count(*) FROM outbox_parked") == 0)
        await receiver.stop()
    }

    @Test func whereRejectedEventsAreParkedOneIsPassedOver() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(30)
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { ReceiverAnswer($0["webhook-id"] == "10" ? 410 : 200) }
        let options = try configuration(folder, receiver, "on_reject: park")
        let (status, relay) = try await replay(database, options, ["--sink", "hook", "--from", "1"])
        #expect(status == .exited(1), "\(relay.log.text)")
        #expect(relay.log.text.contains("rejects event 10, which is skipped"), "\(relay.log.text)")
        #expect(relay.log.text.contains("replayed 29 events"), "\(relay.log.text)")
        #expect(ids(receiver) == Array(1...30))
        await receiver.stop()
    }

    @Test func noTransactionIsOpenWhileAWebhookAnswers() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        receiver.hold()
        let options = try configuration(folder, receiver, "timeout: 1m")
        let relay = try RelayProcess.start(
            ["replay", "--database", database.conninfo, "--sink", "hook", "--from", "1", "--json"] + options)
        try await eventually("the webhook holds its answer") { receiver.isHolding }
        #expect(
            try await database.query(
                """
                SELECT state, xact_start IS NULL FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'outbox-relay%'
                """) == [["idle", "t"]])
        receiver.release()
        #expect(try await relay.exitStatus() == .exited(0), "\(relay.log.text)")
        #expect(ids(receiver) == Array(1...10))
        await receiver.stop()
    }

    @Test func theFilterCounts() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10)
        try await database.execute(
            "INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload) VALUES ('a', 'a', 'other', '{}')")
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        let options = try configuration(folder, receiver, "exclude: ['transfer.*']")
        let (status, relay) = try await replay(database, options, ["--sink", "hook", "--from", "5"])
        #expect(status == .exited(0))
        #expect(relay.log.text.contains("replayed 7 events of ids 5 to 11 to sink hook, 6 of them filtered out"))
        #expect(ids(receiver) == [11])
        await receiver.stop()
    }
}
