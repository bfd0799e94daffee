import MetricsTestKit
import Testing
import TraceContext
import Tracing

@testable import RelayTracing

@Suite("Spans that wait for the exporter")
struct SpanQueueTests {
    private let metrics = TestMetrics()

    private var dropped: Int64 { metrics.counterTotal(label: "outbox_relay_spans_dropped_total") }

    @Test func areAtMostSoMany() throws {
        let queue = SpanQueue(factory: metrics)
        for number in 1...2051 { queue.add(try .numbered(UInt64(number))) }
        #expect(queue.count == 2048 && dropped == 3 && queue.takeLosses() == 3 && queue.takeLosses() == 0)
        var numbers: [UInt64] = []
        while case let spans = queue.take(), !spans.isEmpty {
            #expect(spans.count == 512)
            numbers += spans.map(\.context.spanID.value)
        }
        #expect(numbers == Array(1...2048))
        queue.add(try .numbered(5000))
        #expect(queue.count == 1)
    }

    @Test func areAtMostSoManyBytes() throws {
        let queue = SpanQueue(factory: metrics)
        var large = try SpanRecord.numbered(1)
        for number in 0..<10 {
            large.attributes.set("a\(number)", value: .string(String(repeating: "x", count: SpanRecord.textLimit)))
        }
        while queue.takeLosses() == 0 { queue.add(large) }
        #expect(queue.count * large.byteCount <= SpanQueue.byteLimit)
        #expect((queue.count + 1) * large.byteCount > SpanQueue.byteLimit)
        // A request is bounded as well, and what left makes room.
        let first = queue.take()
        #expect(first.count > 1 && first.count * large.byteCount <= 1 << 20)
        queue.add(large)
        #expect(queue.takeLosses() == 0)
    }

    @Test func enoughForARequestRings() async throws {
        let queue = SpanQueue(factory: metrics)
        for number in 1...511 { queue.add(try .numbered(UInt64(number))) }
        queue.ring()
        queue.add(try .numbered(512))
        queue.close()
        queue.add(try .numbered(513))
        var rings: [SpanQueue.Ring] = []
        for await ring in queue.rings { rings.append(ring) }
        // The latest is heard.
        #expect(rings == [.full] && queue.count == 512 && dropped == 1)
    }

    @Test func whatCannotBeHandedOnIsCounted() {
        let queue = SpanQueue(factory: metrics)
        queue.lose(7)
        #expect(queue.takeLosses() == 7 && dropped == 7)
    }
}
