import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Testing
import WebhookSink

@Suite("A consumer with public packages", .timeLimit(.minutes(2)))
struct JudgeTests {
    private static let old = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    private static let new = "whsec_\(Data("another secret, of 32 bytes or so".utf8).base64EncodedString())"

    private func events(_ ids: ClosedRange<Int64>) throws -> EventBatch {
        try makeBatch(
            ids.map {
                EventFixture(
                    id: $0, aggregateID: "Größe \($0) \"%\"", payload: #"{"amount": \#($0), "é": 2}"#,
                    headers: #"{"correlation_id": "c \#($0) ü"}"#)
            })
    }

    @Test(arguments: [(WebhookSettings.ContentMode.structured, 1), (.binary, 1), (.structured, 4)])
    func verifiesAndParses(mode: WebhookSettings.ContentMode, batch: Int) async throws {
        let judge = try await Judge([Self.old])
        let folder = try TestFolder()
        let settings = settings("http://127.0.0.1:\(judge.port)/") {
            ($0.contentMode, $0.batch) = (mode, batch)
            $0.secretFiles = [(try? folder.write("secret", Self.old)) ?? ""]
        }
        let batch = try events(1...10)
        try await withSink(settings) { sink in
            let answers = await sink.answers(to: batch.whole)
            #expect(answers.delivered == 10, "\(answers.all)")
        }
        let lines = try judge.lines()
        #expect(lines.allSatisfy { $0.verified == [Self.old] && $0.problem == nil })
        let events = lines.flatMap { $0.events ?? [] }
        #expect(events.map(\.id) == (1...10).map(String.init))
        for (index, event) in events.enumerated() {
            #expect(event.subject == "Größe \(index + 1) \"%\"")
            #expect(event.correlationid == "c \(index + 1) ü")
            #expect(event.data == ["amount": index + 1, "é": 2])
            #expect(event.type == "transfer.posted" && event.source == "/outbox")
            #expect(event.time == "2026-11-20T22:16:30.213327+00:00")
        }
        try await judge.stop()
    }

    @Test func everySignatureHoldsBeforeDuringAndAfterARotation() async throws {
        let judge = try await Judge([Self.old, Self.new])
        let folder = try TestFolder()
        let first = try folder.write("first", Self.old)
        // The place of the second secret is there from the start, and holds the same until there is another.
        let second = try folder.write("second", Self.old)
        let settings = settings("http://127.0.0.1:\(judge.port)/") { $0.secretFiles = [first, second] }
        try await withSink(settings) { sink in
            let all = try events(1...9)
            for (stage, change) in [
                {}, { try folder.write("first", Self.new) }, { try folder.write("second", Self.new) },
            ].enumerated() as EnumeratedSequence<[() throws -> Void]> {
                try change()
                let part = Delivery(slices: [.init(batch: all, range: stage * 3..<stage * 3 + 3)])
                #expect(await sink.answers(to: part).delivered == 3)
            }
        }
        let verified = try judge.lines().map(\.verified)
        #expect(Array(verified[0..<3]) == Array(repeating: [Self.old], count: 3))
        #expect(Array(verified[3..<6]) == Array(repeating: [Self.old, Self.new], count: 3))
        #expect(Array(verified[6..<9]) == Array(repeating: [Self.new], count: 3))
        #expect(verified.count == 9)
        try await judge.stop()
    }

    @Test func anotherSecretIsRefused() async throws {
        let judge = try await Judge([Self.new])
        let folder = try TestFolder()
        let file = try folder.write("secret", Self.old)
        let settings = settings("http://127.0.0.1:\(judge.port)/") { $0.secretFiles = [file] }
        #expect(try await answers(settings).rejection?.contains("answered 401") == true)
        try await judge.stop()
    }
}
