import MetricsTestKit
import RelayTestKit
import Testing
import TraceContext
import Tracing

@testable import RelayTracing

@Suite("Spans")
struct TracerTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"

    private let queue = SpanQueue(factory: TestMetrics())
    private var tracer: RelayTracer { RelayTracer(to: queue) }

    /// A context as it comes from a producer.
    private func remote(flags: String = "01", state: String? = nil) throws -> ServiceContext {
        let trace = try #require(EventTrace(parent: "00-\(Self.trace)-00f067aa0ba902b7-\(flags)", state: state))
        var context = ServiceContext.topLevel
        tracer.extract(trace, into: &context, using: EventTraceExtractor())
        return context
    }

    private func injected(_ span: RelaySpan) -> [String: String] {
        var headers: [String: String] = [:]
        tracer.inject(span.context, into: &headers, using: DictionaryInjector())
        return headers
    }

    @Test func aRootIsRecordedUnderIdsOfItsOwn() throws {
        let spans = (0..<2).map { tracer.startSpan("span \($0)", context: .topLevel) }
        let areRecording = spans.allSatisfy { $0.isRecording }
        #expect(areRecording)
        for span in spans { span.end() }
        let records = queue.take()
        #expect(records.map(\.name) == ["span 0", "span 1"])
        #expect(records.allSatisfy { $0.parent == nil && $0.context.flags == .sampled && $0.start <= $0.end })
        #expect(Set(records.map(\.context.traceID)).count == 2 && Set(records.map(\.context.spanID)).count == 2)
    }

    @Test func aChildGoesOnWithItsParentsTrace() throws {
        let context = try remote(state: "a=1")
        let span = tracer.startSpan("child", context: context, ofKind: .client)
        let headers = injected(span)
        span.end()
        let record = try #require(queue.take().first)
        #expect("\(record.context.traceID)" == Self.trace)
        #expect(record.parent.map { "\($0.spanID)" } == "00f067aa0ba902b7" && record.parent?.isRemote == true)
        #expect(record.context.isRemote == false)
        #expect(headers == ["traceparent": "00-\(Self.trace)-\(record.context.spanID)-01", "tracestate": "a=1"])
        // One that begins within it.
        let inner = tracer.startSpan("inner", context: span.context)
        inner.end()
        let within = try #require(queue.take().first)
        #expect(within.parent?.spanID == record.context.spanID && within.parent?.isRemote == false)
    }

    @Test func whoDoesNotWantToBeRecordedIsNot() throws {
        let context = try remote(flags: "00")
        let span = tracer.startSpan("child", context: context)
        span.attributes.set("a", value: .string("b"))
        span.addEvent("event")
        span.setStatus(SpanStatus(code: .error))
        #expect(!span.isRecording && span.attributes.isEmpty && span.operationName.isEmpty)
        let parent = try #require(injected(span)["traceparent"].flatMap { TraceParent($0) })
        #expect("\(parent.traceID)" == Self.trace && "\(parent.spanID)" != "00f067aa0ba902b7")
        #expect(parent.flags == [])
        span.end()
        #expect(queue.count == 0)
    }

    @Test func aRandomIDStaysOne() throws {
        let context = try remote(flags: "03")
        let span = tracer.startSpan("child", context: context)
        #expect(injected(span)["traceparent"]?.hasSuffix("-03") == true)
        span.end()
    }

    @Test func nothingIsCarriedWhereThereIsNothing() {
        var headers: [String: String] = [:]
        tracer.inject(.topLevel, into: &headers, using: DictionaryInjector())
        #expect(headers.isEmpty)
        var context = ServiceContext.topLevel
        tracer.extract(["traceparent": "nonsense"], into: &context, using: DictionaryExtractor())
        #expect(context.span == nil)
    }

    @Test func aSpanIsBounded() throws {
        let span = tracer.startSpan(String(repeating: "n", count: 5000), context: .topLevel)
        let target = try remote(state: "a=1")
        for _ in 0..<130 { span.addLink(SpanLink(context: target, attributes: [:])) }
        span.addLink(SpanLink(context: .topLevel, attributes: [:]))
        for _ in 0..<20 { span.addEvent("event") }
        span.attributes.set("long", value: .string(String(repeating: "é", count: 5000)))
        span.setStatus(SpanStatus(code: .error, message: String(repeating: "m", count: 5000)))
        span.end()
        let record = try #require(queue.take().first)
        #expect(record.links.count == 128 && record.droppedLinks == 2 && record.links.allSatisfy { $0.state == nil })
        #expect(record.events.count == 16 && record.droppedEvents == 4)
        #expect(record.name.utf8.count == 2048 && record.status?.message?.utf8.count == 2048)
        #expect(record.attributes.get("long") == .string(String(repeating: "é", count: 1024)))
    }

    @Test func itEndsOnce() throws {
        let span = tracer.startSpan("span", context: .topLevel)
        // The clock was set back.
        span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1))
        span.attributes.set("late", value: .bool(true))
        span.end()
        let records = queue.take()
        #expect(records.count == 1 && records[0].end == records[0].start && records[0].attributes.isEmpty)
    }

    @Test func errorsAreEvents() throws {
        let span = tracer.startSpan("span", context: .topLevel)
        span.recordError(KitFailure("it broke"))
        span.end()
        let event = try #require(queue.take().first?.events.first)
        #expect(event.name == "exception")
        #expect(event.attributes.get("exception.message") == .string("it broke"))
        #expect(event.attributes.get("exception.type") == .string("KitFailure"))
    }
}

private struct DictionaryInjector: Injector {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
}

private struct DictionaryExtractor: Extractor {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}
