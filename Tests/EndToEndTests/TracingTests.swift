import Foundation
import RelayTestKit
import Testing
import WebhookReceiver

/// The real binary, a webhook, and a collector of spans.
@Suite(.heavy, .timeLimit(.minutes(5))) struct TracingTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let producer = "00f067aa0ba902b7"

    /// A span as it came to the collector.
    private struct Span: Decodable {
        struct Attribute: Decodable {
            struct Value: Decodable {
                var stringValue: String?
                var intValue: String?
            }
            var key: String
            var value: Value
        }
        struct Link: Decodable {
            var traceId: String
            var spanId: String
        }

        var traceId: String
        var spanId: String
        var parentSpanId: String?
        var name: String
        var kind: Int
        var attributes: [Attribute]
        var links: [Link]?

        subscript(key: String) -> String? {
            let value = attributes.first { $0.key == key }?.value
            return value?.stringValue ?? value?.intValue
        }
    }

    private struct Request: Decodable {
        struct Resource: Decodable {
            struct Scope: Decodable { var spans: [Span] }
            var scopeSpans: [Scope]
        }
        var resourceSpans: [Resource]
    }

    private func spans(_ collector: WebhookReceiver) throws -> [Span] {
        try collector.requests.flatMap { request in
            let decoded = try JSONDecoder().decode(Request.self, from: Data(request.body))
            return decoded.resourceSpans.flatMap { $0.scopeSpans.flatMap(\.spans) }
        }
    }

    /// Inserts events of a producer that traces: all of one transaction, with one context.
    private func insert(_ count: Int, flags: String = "01", _ database: TestDatabase) async throws {
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, headers)
            SELECT 'transfer', 'k', 'transfer.posted', '{}',
                   '{"traceparent": "00-\(Self.trace)-\(Self.producer)-\(flags)", "tracestate": "rojo=1"}'
            FROM generate_series(1, \(count))
            """)
    }

    @Test func aDeliveryIsAChildOfItsProducer() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let (receiver, collector) = (try await WebhookReceiver(), try await WebhookReceiver())
        let configuration = try folder.configuration(
            """
            sinks:
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/hook"}
              - {name: audit, to: "file:FOLDER/audit.jsonl"}
            """)
        try await insert(3, database)
        let relay = try RelayProcess.run(
            database, configuration + ["--otlp", "http://127.0.0.1:\(collector.port)/v1/traces"],
            environment: ["OTEL_SERVICE_NAME": "ours"])
        try await database.becomesSettled()
        // What waits is sent at the end.
        #expect(try await relay.stop() == .exited(0))

        #expect(collector.requests.allSatisfy { $0.target == "/v1/traces" })
        #expect(collector.requests.allSatisfy { $0.text.contains(#""value":{"stringValue":"ours"}"#) })
        let spans = try spans(collector)
        let sent = spans.filter { $0.name == "send hook" }
        #expect(sent.compactMap { $0["outbox.id"] } == ["1", "2", "3"])
        #expect(sent.allSatisfy { $0.traceId == Self.trace && $0.parentSpanId == Self.producer && $0.kind == 3 })
        #expect(sent.allSatisfy { $0["http.response.status_code"] == "200" })
        // The receiver knows each by its own header, and the producer by the event.
        let headers = receiver.requests.map { $0["traceparent"] }
        #expect(headers == sent.map { "00-\(Self.trace)-\($0.spanId)-01" })
        #expect(receiver.requests.allSatisfy { $0["tracestate"] == "rojo=1" })
        #expect(receiver.requests.allSatisfy { $0.text.contains("00-\(Self.trace)-\(Self.producer)-01") })

        let written = spans.filter { $0.name == "send audit" }
        #expect(!written.isEmpty)
        for span in written {
            // One event has its producer as the parent, several have it as a link.
            let parent = span.parentSpanId ?? span.links?.first?.spanId
            #expect(parent == Self.producer && span.links?.count ?? 1 == 1)
        }
        let settlements = spans.filter { $0.name == "settle" }
        // Each event, once for each sink.
        let settled = settlements.compactMap { $0["messaging.batch.message_count"].flatMap { Int($0) } }
        #expect(settled.count == settlements.count && settled.reduce(0, +) >= 6)
        #expect(settlements.allSatisfy { $0.parentSpanId == nil })
        await receiver.stop()
        await collector.stop()
    }

    /// OpenTelemetry's own variable will do, and a producer that wants no trace has its way.
    @Test func aTraceThatIsNotSampledIsPassedOnAndNotRecorded() async throws {
        let database = try await PrivateCluster.shared().database()
        let (receiver, collector) = (try await WebhookReceiver(), try await WebhookReceiver())
        try await insert(2, flags: "00", database)
        let relay = try RelayProcess.run(
            database, ["--sink", "hook=http://127.0.0.1:\(receiver.port)/", "--until-drained"],
            environment: ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:\(collector.port)"])
        #expect(try await relay.exitStatus() == .exited(0))
        let headers = receiver.requests.compactMap { $0["traceparent"] }
        #expect(headers.count == 2 && Set(headers).count == 2)
        #expect(headers.allSatisfy { $0.hasPrefix("00-\(Self.trace)-") && $0.hasSuffix("-00") })
        #expect(headers.allSatisfy { !$0.contains(Self.producer) })
        let names = Set(try spans(collector).map(\.name))
        #expect(names == ["settle"])
        await receiver.stop()
        await collector.stop()
    }

    @Test func aCollectorThatIsAwayIsNoHindrance() async throws {
        let database = try await PrivateCluster.shared().database()
        let receiver = try await WebhookReceiver()
        try await insert(300, database)
        let relay = try RelayProcess.run(
            database,
            [
                // Nobody listens there.
                "--sink", "hook=http://127.0.0.1:\(receiver.port)/", "--otlp", "http://127.0.0.1:1/v1/traces",
                "--until-drained",
            ], environment: ["OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20hunter2"])
        #expect(try await relay.exitStatus() == .exited(0))
        #expect(receiver.count == 300)
        #expect(relay.log.text.contains("dropped on the way to the collector at http://127.0.0.1:1"))
        #expect(!relay.log.text.contains("hunter2"))
        await receiver.stop()
    }

    @Test func withoutACollectorTheProducersContextIsPassedOn() async throws {
        let database = try await PrivateCluster.shared().database()
        let receiver = try await WebhookReceiver()
        try await insert(1, database)
        _ = try await RelayProcess.drained(database, .poll, ["--sink", "hook=http://127.0.0.1:\(receiver.port)/"])
        #expect(receiver.requests.map { $0["traceparent"] } == ["00-\(Self.trace)-\(Self.producer)-01"])
        await receiver.stop()
    }
}
