import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing
import WebhookReceiver
import WebhookSink

@Suite("What a webhook answers", .timeLimit(.minutes(2)))
struct AnswerTests {
    @Test func anOutageNamesItsDelay() async throws {
        let date = "Thu, 01 Jan 2026 00:01:30 GMT"
        for (status, after, seconds) in [(429, "17", 17), (503, date, 30), (500, nil, nil), (503, "soon", nil)] {
            let receiver = try await WebhookReceiver { _ in
                ReceiverAnswer(status, headers: after.map { ["retry-after": $0] } ?? [:], body: "not\nnow")
            }
            let batch = try makeBatch(1...3)
            // 2026-01-01 00:01:00
            let answers = try await withSink(receiver.settings(), now: { 1_767_225_660 }) {
                await $0.answers(to: batch.whole)
            }
            #expect(answers.delivered == 0)
            guard case .retry(let delay, let reason) = answers.failures.first else {
                Issue.record("\(answers.all)")
                continue
            }
            #expect(delay == seconds.map { .seconds($0) })
            #expect(reason.hasPrefix("http://127.0.0.1:\(receiver.port) answered \(status) "))
            #expect(reason.hasSuffix(": \"not now\""))
            #expect(receiver.count == 1)
            await receiver.stop()
        }
    }

    @Test func goneIsARejectionAndWhatStoodBeforeIsDelivered() async throws {
        let receiver = try await WebhookReceiver {
            $0["webhook-id"] == "3" ? ReceiverAnswer(410, body: "no such hook") : ReceiverAnswer()
        }
        let answers = try await answers(to: 5, receiver.settings())
        #expect(answers.delivered == 2)
        #expect(answers.rejection == "http://127.0.0.1:\(receiver.port) answered 410 Gone: \"no such hook\"")
        #expect(receiver.count == 3)
        await receiver.stop()
    }

    @Test func redirectsAreNotFollowed() async throws {
        let receiver = try await WebhookReceiver { request in
            ReceiverAnswer(307, headers: ["location": "http://elsewhere.example/?token=topsecret"])
        }
        let answers = try await answers(receiver.settings())
        #expect(answers.rejection?.contains("redirects to elsewhere.example, which is not followed") == true)
        #expect(answers.rejection?.contains("topsecret") == false)
        await receiver.stop()
    }

    @Test func aBatchIsNarrowedToTheOneThatIsRefused() async throws {
        let taken = Mutex<[String]>([])
        let receiver = try await WebhookReceiver { request in
            if request.text.contains(#""id":"13""#) { return ReceiverAnswer(422, body: "thirteen") }
            taken.withLock { $0.append(request["webhook-id"] ?? "") }
            return ReceiverAnswer()
        }
        let batch = try makeBatch(1...20)
        try await withSink(receiver.settings { $0.batch = 16 }) { sink in
            let answers = await sink.answers(to: batch.whole)
            #expect(answers.delivered == 12)
            #expect(answers.rejection?.hasSuffix("\"thirteen\"") == true)
            // The lane passes the one, and goes on behind it.
            let rest = Delivery(slices: [.init(batch: batch, range: 13..<20)])
            #expect(await sink.answers(to: rest).delivered == 7)
        }
        #expect(taken.withLock { $0 } == ["1-8", "9-12", "14-20"])
        await receiver.stop()
    }

    @Test func anOutageWhileNarrowingIsAnOutage() async throws {
        let receiver = try await WebhookReceiver { request in
            request["webhook-id"] == "1-4" ? ReceiverAnswer(413) : ReceiverAnswer(503)
        }
        let answers = try await answers(to: 4, receiver.settings { $0.batch = 4 })
        #expect(answers.delivered == 0)
        #expect(answers.outage != nil)
        await receiver.stop()
    }

    @Test func whatTheReceiverEchoesOfOurSecretsIsNotShown() async throws {
        let folder = try TestFolder()
        let token = try folder.write("token", "Bearer topsecret-token-of-ours")
        let receiver = try await WebhookReceiver { request in
            ReceiverAnswer(400, body: "bad request with \(request["authorization"] ?? "?")")
        }
        let settings = receiver.settings { $0.headerFiles = [.init(name: "authorization", path: token)] }
        let answers = try await answers(settings)
        #expect(answers.rejection?.hasSuffix("\"bad request with …\"") == true)
        await receiver.stop()
    }

    @Test func longBodiesAreCutAndReadNoFurther() async throws {
        let receiver = try await WebhookReceiver { _ in
            ReceiverAnswer(400, body: String(repeating: "x", count: 5_000_000))
        }
        let answers = try await answers(receiver.settings())
        #expect(answers.rejection?.hasSuffix("\"\(String(repeating: "x", count: 300))…\"") == true)
        await receiver.stop()
    }

    @Test func cancelledWhileTheAnswerIsHeld() async throws {
        let receiver = try await WebhookReceiver()
        let batch = try makeBatch(1...3)
        try await withSink(receiver.settings()) { sink in
            let answers = Answers()
            receiver.hold()
            let task = Task { await sink.deliver(batch.whole, to: answers) }
            try await eventually("the answer is held") { receiver.isHolding }
            task.cancel()
            await task.value
            #expect(answers.all.isEmpty)
            receiver.release()
            #expect(await sink.answers(to: batch.whole).delivered == 3)
        }
        await receiver.stop()
    }

    @Test func notOpenIsAnOutage() async throws {
        let sink = WebhookSink(settings("http://127.0.0.1:1/"))
        #expect(await sink.answers(to: try makeBatch(1...1).whole).outage == "the webhook is not open")
    }
}
