import Foundation
import RelayTestKit
import Testing
import WebhookReceiver

/// Standard output, a file and a webhook, configured in one file.
@Suite(.heavy) struct SeveralSinksTests {
    /// Inserts events of two types and two aggregates in turn: `transfer.posted` of transfers have odd ids.
    private func insert(_ count: Int, _ database: TestDatabase) async throws {
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT CASE n % 2 WHEN 1 THEN 'transfer' ELSE 'account' END, 'k' || n % 7,
                   CASE n % 2 WHEN 1 THEN 'transfer.posted' ELSE 'account.opened' END, jsonb_build_object('n', n)
            FROM generate_series(1, \(count)) n
            """)
    }

    private func received(_ receiver: WebhookReceiver) -> [Int64] {
        receiver.requests.flatMap { request in
            request.text.matches(of: /"specversion":"1.0","id":"(-?\d+)"/).compactMap { Int64($0.output.1) }
        }
    }

    @Test(arguments: Mode.allCases) func eachGetsWhatItWants(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        try folder.write("secret", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLdSw")
        try folder.write("token", "Bearer hunter2")
        let receiver = try await WebhookReceiver()
        let configuration = try folder.configuration(
            """
            mode: \(mode.rawValue)
            sinks:
              - {to: stdout, exclude_aggregates: [account]}
              - {name: audit, to: "file:FOLDER/audit.jsonl", file_mode: "0604"}
              - name: hook
                to: http://127.0.0.1:\(receiver.port)/hook
                secret_files: [FOLDER/secret]
                header_files: {authorization: FOLDER/token}
                headers: {x-tenant: acme}
                batch: 10
                include: ["account.*"]
            """)
        try await insert(500, database)
        let relay = try RelayProcess.run(database, configuration)
        try await relay.waitForLog("leading")
        try await insert(500, database)
        try await database.becomesSettled()

        #expect(relay.output.ids == (1...1000).filter { $0 % 2 == 1 })
        #expect(try folder.ids("audit.jsonl") == Array(1...1000))
        #expect(received(receiver) == (1...1000).filter { $0 % 2 == 0 })
        #expect(receiver.requests.allSatisfy { $0["webhook-signature"]?.hasPrefix("v1,") == true })
        #expect(receiver.requests.allSatisfy { $0["authorization"] == "Bearer hunter2" && $0["x-tenant"] == "acme" })
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/audit.jsonl")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o604)
        #expect(try await relay.stop() == .exited(0))
        #expect(!relay.log.text.contains("hunter2"))
        await receiver.stop()
    }

    @Test func oneThatIsDownHoldsUpNoOther() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver { _ in ReceiverAnswer(503) }
        let configuration = try folder.configuration(
            """
            sinks:
              - to: stdout
              - {to: "file:FOLDER/all.jsonl"}
              - {to: "http://127.0.0.1:\(receiver.port)/", batch: 50, retry: {base: 5ms, max: 50ms}}
            """)
        let relay = try await RelayProcess.leading(database, .wal, configuration)
        try await insert(3000, database)
        try await relay.waitForEvents(3000)
        try await eventually("the file has all") { try folder.ids("all.jsonl").count == 3000 }
        try await relay.waitForLog("outage") { $0.fields["sink"] == "webhook" }
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == 0)

        receiver.answer { _ in ReceiverAnswer(204) }
        try await database.becomesSettled()
        try await relay.waitForLog("recovered") { $0.fields["sink"] == "webhook" }
        #expect(relay.output.ids == Array(1...3000))
        #expect(try folder.ids("all.jsonl") == Array(1...3000))
        #expect(Set(received(receiver)) == Set(1...3000))
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    @Test func aLaneIsAsItIsConfigured() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        receiver.hold()
        let configuration = try folder.configuration(
            """
            sinks:
              - to: http://127.0.0.1:\(receiver.port)/
                order: key
                concurrency: 2
                on_reject: park
                retry: {base: 1ms, max: 5ms}
            """)
        try await insert(70, database)
        let relay = try await RelayProcess.leading(database, .poll, configuration)
        try await eventually("two requests are under way") { receiver.mostUnderWay == 2 }
        receiver.answer { ReceiverAnswer($0["webhook-id"] == "50" ? 410 : 200) }
        receiver.release()
        try await database.becomesSettled()
        #expect(try await database.query("SELECT sink, id FROM outbox_parked") == [["webhook", "50"]])
        let arrived = receiver.requests.compactMap { $0["webhook-id"].flatMap(Int.init) }
        #expect(Set(arrived) == Set(1...70))
        for key in 0..<7 {
            let ofKey = arrived.filter { $0 % 7 == key }
            #expect(ofKey == ofKey.sorted(), "key \(key)")
        }
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    @Test func aHangUpOpensTheFileAnew() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let relay = try await RelayProcess.leading(
            database, .poll, try folder.configuration("sinks: [{to: 'file:FOLDER/live.jsonl'}]"))
        for round in 1...3 {
            try await insert(100, database)
            try await eventually("round \(round) is written") { try folder.ids("live.jsonl").count == 100 }
            try FileManager.default.moveItem(
                atPath: "\(folder.path)/live.jsonl", toPath: "\(folder.path)/old-\(round).jsonl")
            relay.signal(SIGHUP)
            try await eventually("the file is there again") { try !folder.files("live.jsonl").isEmpty }
        }
        try await insert(10, database)
        try await database.becomesSettled()
        #expect(try await relay.stop() == .exited(0))
        let ids = try (1...3).flatMap { try folder.ids("old-\($0).jsonl") } + folder.ids("live.jsonl")
        #expect(ids == Array(1...310))
    }

    @Test func aKilledRelayWritesEachEventOnce() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let configuration = try folder.configuration("sinks: [{to: 'file:FOLDER/all.jsonl', rotate: {size: 64KiB}}]")
        for round in 1...4 {
            try await insert(1000, database)
            let relay = try RelayProcess.run(database, configuration)
            try await eventually("it writes") { try written(folder).count > (round - 1) * 1000 }
            try await relay.kill()
        }
        _ = try await RelayProcess.drained(database, .poll, configuration)
        #expect(try written(folder).sorted() == Array(1...4000))
    }

    private func written(_ folder: SinkFolder) throws -> [Int64] {
        try folder.files("all").flatMap { try folder.ids($0) }
    }
}
