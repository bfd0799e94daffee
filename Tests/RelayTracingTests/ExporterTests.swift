import Foundation
import MetricsTestKit
import RelayTestKit
import Synchronization
import Testing
import Tracing
import WebhookReceiver

@testable import RelayTracing

/// Over a real socket.
@Suite("Spans on their way to a collector", .timeLimit(.minutes(2)))
struct ExporterTests {
    /// What an exporter says.
    private final class Notes: Sendable {
        private let notes = Mutex<[TracingNote]>([])
        var all: [TracingNote] { notes.withLock { $0 } }
        func add(_ note: TracingNote) { notes.withLock { $0.append(note) } }
    }

    private let metrics = TestMetrics()
    private let notes = Notes()

    private var dropped: Int64 { metrics.counterTotal(label: "outbox_relay_spans_dropped_total") }

    private func exporter(
        to port: Int, interval: Duration = .milliseconds(5), _ environment: [String: String] = [:]
    ) throws -> SpanExporter {
        let settings = try TracingSettings(url: "http://127.0.0.1:\(port)", environment: environment)
        let notes = notes
        return SpanExporter(settings, version: "1.2.3", interval: interval, factory: metrics) { notes.add($0) }
    }

    private func end(_ names: [String], _ exporter: SpanExporter) {
        for name in names { exporter.tracer.startSpan(name, context: .topLevel).end() }
    }

    /// The names of the spans that came, in their order.
    private func names(_ collector: WebhookReceiver) -> [String] {
        collector.requests.flatMap { request in
            request.text.matches(of: /"name":"(span [0-9]+)"/).map { String($0.output.1) }
        }
    }

    @Test func theyArriveWithinAWhile() async throws {
        let collector = try await WebhookReceiver { _ in ReceiverAnswer(body: "{}") }
        let headers = ["OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hunter2", "OTEL_SERVICE_NAME": "ours"]
        let exporter = try exporter(to: collector.port, headers)
        exporter.start()
        end(["span 1", "span 2"], exporter)
        try await eventually("both arrive") { names(collector) == ["span 1", "span 2"] }
        let request = try #require(collector.requests.first)
        #expect(request.method == "POST" && request.target == "/v1/traces")
        #expect(request["content-type"] == "application/json" && request["authorization"] == "Bearer hunter2")
        #expect(request["user-agent"] == "outbox-relay/1.2.3")
        for (key, value) in ["service.name": "ours", "service.version": "1.2.3"] {
            #expect(request.text.contains(#"{"key":"\#(key)","value":{"stringValue":"\#(value)"}}"#), "\(request.text)")
        }
        await exporter.finish()
        #expect(dropped == 0 && notes.all.isEmpty)
        await collector.stop()
    }

    @Test func manyDoNotWait() async throws {
        let collector = try await WebhookReceiver()
        let exporter = try exporter(to: collector.port, interval: .seconds(3600))
        exporter.start()
        let names = (0..<600).map { "span \($0)" }
        end(names, exporter)
        try await eventually("a request's worth arrives") { self.names(collector) == Array(names.prefix(512)) }
        await exporter.finish()
        #expect(self.names(collector) == names && collector.count == 2)
        await collector.stop()
    }

    @Test func theEndSendsTheRest() async throws {
        let collector = try await WebhookReceiver()
        let exporter = try exporter(to: collector.port, interval: .seconds(3600))
        exporter.start()
        end(["span 1"], exporter)
        await exporter.finish()
        #expect(names(collector) == ["span 1"])
        // What comes later is lost, and finishing twice is harmless.
        end(["span 2"], exporter)
        await exporter.finish()
        #expect(names(collector) == ["span 1"] && dropped == 1)
        await collector.stop()
    }

    @Test func aCollectorThatIsBusyIsAskedAgain() async throws {
        let asked = Mutex(0)
        let collector = try await WebhookReceiver { _ in
            let count = asked.withLock { count in
                count += 1
                return count
            }
            return count <= 2 ? ReceiverAnswer(503, headers: ["retry-after": "0"]) : ReceiverAnswer()
        }
        let exporter = try exporter(to: collector.port, interval: .seconds(3600))
        exporter.start()
        end((0..<512).map { "span \($0)" }, exporter)
        try await eventually("it takes them") { collector.count == 3 }
        await exporter.finish()
        // Each try is the same request.
        #expect(Set(collector.requests.map(\.text)).count == 1)
        #expect(dropped == 0 && notes.all.isEmpty)
        await collector.stop()
    }

    @Test func whatIsRefusedIsLostAndSaid() async throws {
        let collector = try await WebhookReceiver { _ in ReceiverAnswer(400, body: "no") }
        let exporter = try exporter(to: collector.port, ["OTEL_EXPORTER_OTLP_HEADERS": "authorization=hunter2"])
        exporter.start()
        end(["span 1", "span 2"], exporter)
        try await eventually("both are lost") { dropped == 2 }
        collector.answer { _ in
            ReceiverAnswer(body: #"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"old"}}"#)
        }
        end(["span 3"], exporter)
        try await eventually("a third is lost") { dropped == 3 }
        await exporter.finish()
        #expect(names(collector).count == 3)
        #expect(notes.all.contains(.recovered(collector: "http://127.0.0.1:\(collector.port)")))
        let lost = notes.all.reduce(0) { sum, note in
            if case .lost(let count, _, _) = note { sum + count } else { sum }
        }
        #expect(lost == 3)
        #expect(!notes.all.contains { "\($0)".contains("hunter2") })
        await collector.stop()
    }

    /// It cannot have rejected more than it was sent.
    @Test func aCollectorThatCountsWrongly() async throws {
        let collector = try await WebhookReceiver { _ in
            ReceiverAnswer(body: #"{"partialSuccess":{"rejectedSpans":"9223372036854775807"}}"#)
        }
        let exporter = try exporter(to: collector.port)
        exporter.start()
        for count in 1...3 {
            end(["span \(count)"], exporter)
            try await eventually("it is lost") { dropped == count }
        }
        await exporter.finish()
        #expect(dropped == 3)
        await collector.stop()
    }

    @Test func aCollectorThatIsAwayHoldsNobodyUp() async throws {
        // Nobody listens there.
        let exporter = try exporter(to: 1)
        exporter.start()
        end((0..<3000).map { "span \($0)" }, exporter)
        #expect(dropped > 0)
        await exporter.finish()
        #expect(dropped == 3000)
        #expect(notes.all.contains { "\($0)".contains("cannot be reached") }, "\(notes.all)")
    }

    @Test func oneThatNeverAnswersIsLeft() async throws {
        let collector = try await WebhookReceiver()
        collector.hold()
        let exporter = try exporter(to: collector.port)
        exporter.start()
        end(["span 1"], exporter)
        try await eventually("it is asked") { collector.isHolding }
        end(["span 2"], exporter)
        await exporter.finish(within: .milliseconds(20))
        #expect(dropped == 2)
        collector.release()
        await collector.stop()
    }

    @Test func anAnswerWithoutEndIsNotRead() async throws {
        let collector = try await WebhookReceiver { _ in ReceiverAnswer(body: String(repeating: " ", count: 1 << 20)) }
        let exporter = try exporter(to: collector.port)
        exporter.start()
        end(["span 1"], exporter)
        try await eventually("it is asked") { collector.count == 1 }
        end(["span 2"], exporter)
        try await eventually("and again") { collector.count == 2 }
        await exporter.finish()
        #expect(dropped == 0)
        await collector.stop()
    }

    @Test func oneThatWasNeverStartedEnds() async throws {
        let exporter = try exporter(to: 1)
        end(["span 1"], exporter)
        await exporter.finish()
        #expect(dropped == 1)
    }
}
