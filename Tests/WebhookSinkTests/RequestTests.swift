import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing
import WebhookReceiver
import WebhookSink

@Suite("What a webhook receives", .timeLimit(.minutes(2)))
struct RequestTests {
    @Test func structured() async throws {
        let receiver = try await WebhookReceiver()
        let batch = try makeBatch([EventFixture(id: 41), EventFixture(id: -7, headers: #"{"traceparent": "00-a"}"#)])
        try await withSink(receiver.settings(), now: { 1_700_000_000 }) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 2)
        }
        let requests = receiver.requests
        #expect(requests.map(\.method) == ["POST", "POST"])
        #expect(requests.map(\.target) == ["/hooks", "/hooks"])
        #expect(requests.map(\.text).joined(separator: "\n") + "\n" == batch.text)
        #expect(requests.map { $0["webhook-id"] } == ["41", "-7"])
        let first = try #require(requests.first)
        #expect(first["content-type"] == "application/cloudevents+json")
        #expect(first["content-length"] == "\(first.body.count)")
        #expect(first["webhook-timestamp"] == "1700000000")
        #expect(first["user-agent"] == "outbox-relay/0.0")
        #expect(first["host"] == "127.0.0.1:\(receiver.port)")
        #expect(first.values("webhook-signature").isEmpty)
        await receiver.stop()
    }

    @Test func binary() async throws {
        let receiver = try await WebhookReceiver()
        let batch = try makeBatch([
            EventFixture(
                id: 42, aggregateID: "Ø 1\"%", payload: #"{"a": 1}"#,
                headers: #"{"correlation_id": "line\nend", "n": {"deep": 1}}"#)
        ])
        try await withSink(receiver.settings { $0.contentMode = .binary }) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 1)
        }
        let request = try #require(receiver.requests.first)
        #expect(request.text == #"{"a": 1}"#)
        let expected = [
            "content-type": "application/json", "ce-specversion": "1.0", "ce-id": "42", "ce-source": "/outbox",
            "ce-type": "transfer.posted", "ce-subject": "%C3%98%201%22%25", "ce-partitionkey": "%C3%98%201%22%25",
            "ce-time": "2026-11-20T22:16:30.213327Z", "ce-sequence": "00000000000000000042",
            "ce-aggregatetype": "transfer", "ce-correlationid": "line%0Aend", "ce-n": #"{%22deep%22:%201}"#,
            "webhook-id": "42",
        ]
        for (name, value) in expected { #expect(request[name] == value, "\(name)") }
        #expect(request.values("ce-datacontenttype").isEmpty && request.values("ce-data").isEmpty)
        await receiver.stop()
    }

    @Test func batches() async throws {
        let receiver = try await WebhookReceiver()
        let batch = try makeBatch(1...7)
        try await withSink(receiver.settings { $0.batch = 3 }) { sink in
            let answers = await sink.answers(to: batch.whole)
            #expect(answers.all.map(\.count) == [3, 3, 1])
            #expect(answers.delivered == 7)
        }
        let requests = receiver.requests
        #expect(requests.map { $0["webhook-id"] } == ["1-3", "4-6", "7-7"])
        #expect(requests.allSatisfy { $0["content-type"] == "application/cloudevents-batch+json" })
        let lines = batch.text.split(separator: "\n")
        #expect(requests.map(\.text) == [0..<3, 3..<6, 6..<7].map { "[\(lines[$0].joined(separator: ","))]" })
        await receiver.stop()
    }

    @Test func largeBatchesAreCutByBytes() async throws {
        let receiver = try await WebhookReceiver()
        let batch = try makeBatch(1...5, payloadSize: 400_000)
        try await withSink(receiver.settings { $0.batch = 100 }) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 5)
        }
        #expect(receiver.requests.map { $0["webhook-id"] } == ["1-2", "3-4", "5-5"])
        await receiver.stop()
    }

    @Test func headersOfTheUser() async throws {
        let receiver = try await WebhookReceiver()
        let folder = try TestFolder()
        let token = try folder.write("token", "Bearer topsecret-token\n")
        let settings = receiver.settings {
            $0.headers = [.init(name: "x-tenant", value: "acme"), .init(name: "User-Agent", value: "ours")]
            $0.headerFiles = [.init(name: "authorization", path: token)]
        }
        try await withSink(settings) { sink in
            let batch = try makeBatch(1...1)
            #expect(await sink.answers(to: batch.whole).delivered == 1)
            try folder.write("token", "Bearer another\n")
            #expect(await sink.answers(to: batch.whole).delivered == 1)
        }
        #expect(receiver.requests.map { $0["authorization"] } == ["Bearer topsecret-token", "Bearer another"])
        #expect(receiver.requests.map { $0["x-tenant"] } == ["acme", "acme"])
        #expect(receiver.requests.map { $0["user-agent"] } == ["ours", "ours"])
        await receiver.stop()
    }

    @Test func aConnectionIsUsedAgain() async throws {
        let receiver = try await WebhookReceiver { _ in ReceiverAnswer(body: "thanks") }
        let batch = try makeBatch(1...50)
        try await withSink(receiver.settings()) { sink in
            for _ in 0..<3 {
                let answers = await sink.answers(to: batch.whole)
                #expect(answers.delivered == 50, "\(answers.failures)")
            }
        }
        #expect(receiver.count == 150)
        #expect(receiver.connections == 1)
        await receiver.stop()
    }

    @Test func deliveriesSideBySideShareConnections() async throws {
        let receiver = try await WebhookReceiver()
        let batch = try makeBatch(1...16)
        receiver.hold()
        try await withSink(receiver.settings { $0.connections = 16 }) { sink in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<16 {
                    group.addTask {
                        await sink.answers(to: Delivery(slices: [.init(batch: batch, range: index..<index + 1)]))
                            .delivered
                    }
                }
                try await eventually("all sixteen are under way at once") { receiver.mostUnderWay == 16 }
                receiver.release()
                #expect(try await group.reduce(0, +) == 16)
            }
        }
        #expect(receiver.connections == 16)
        #expect(Set(receiver.requests.map { $0["webhook-id"] }).count == 16)
        await receiver.stop()
    }

    @Test func everyAttemptHasItsOwnTime() async throws {
        let receiver = try await WebhookReceiver { _ in ReceiverAnswer(503) }
        let clock = Mutex<Int64>(1000)
        let now: @Sendable () -> Int64 = {
            clock.withLock { time in
                time += 1; return time
            }
        }
        let batch = try makeBatch(1...1)
        try await withSink(receiver.settings(), now: now) { sink in
            for _ in 0..<3 { #expect(await sink.answers(to: batch.whole).outage != nil) }
        }
        #expect(receiver.requests.map { $0["webhook-timestamp"] } == ["1001", "1002", "1003"])
        await receiver.stop()
    }
}
