import TraceContext
import Tracing

@testable import RelayTracing

extension SpanContext {
    /// One that is sampled, of ids that are given by numbers.
    static func numbered(
        trace: UInt64, span: UInt64, state: String? = nil, isRemote: Bool = false
    ) throws -> SpanContext {
        guard let traceID = TraceID(high: 0x0123_4567_89ab_cdef, low: trace), let spanID = SpanID(span) else {
            throw NoID()
        }
        return SpanContext(traceID: traceID, spanID: spanID, flags: .sampled, state: state, isRemote: isRemote)
    }

    private struct NoID: Error {}
}

extension SpanRecord {
    /// One without anything special.
    static func numbered(_ number: UInt64, name: String = "span") throws -> SpanRecord {
        SpanRecord(
            name: name, kind: .internal, context: try .numbered(trace: 1, span: number), parent: nil,
            start: 1_700_000_000_000_000_000)
    }

    /// One that has all that a span can have.
    static func full() throws -> SpanRecord {
        let target = try SpanContext.numbered(trace: 2, span: 0xf067_aa0b_a902_b7, isRemote: true)
        var record = SpanRecord(
            name: "send \"orders\"", kind: .client, context: try .numbered(trace: 2, span: 3, state: "a=1"),
            parent: target, start: 1_700_000_000_000_000_001)
        record.end = 1_700_000_000_000_000_002
        record.attributes = [
            "text": "a\nb", "whole": .int64(-42), "small": .int32(7), "truth": .bool(true), "half": .double(0.5),
            "endless": .double(-.infinity), "wholes": .int64Array([1, .max]), "texts": .stringArray(["x", "y"]),
        ]
        let time = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 5)
        record.add(SpanEvent(name: "exception", at: time, attributes: ["a": "b"]))
        for _ in 0..<SpanRecord.linkLimit + 2 { record.addLink(to: target) }
        record.status = SpanStatus(code: .error, message: "it broke")
        return record
    }
}
