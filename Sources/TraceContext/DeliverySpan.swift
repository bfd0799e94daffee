import RelayCore
import Tracing

/// The span of events on their way to a sink.
///
/// One event: a child of the span that produced it, so that the producer's trace goes on here. Several events come of
/// several traces, and a span has one parent: theirs is the root of a trace of its own, with a link to each, as
/// OpenTelemetry's conventions for messaging have it. The kind is CLIENT: what an event was created in is the
/// producer's span, and not this one.
package struct DeliverySpan: Sendable {
    /// Links of a span at most; what is above is left out.
    package static let linkLimit = 128
    /// Bytes of an event type that are told.
    private static let typeLimit = 256

    package let span: any Tracing.Span

    /// Begins the span.
    ///
    /// - Parameter slices: at least one event.
    package init(of slices: [Delivery.Slice], to sink: String, by tracer: any Tracer) {
        let events = slices.filter { !$0.range.isEmpty }
        let count = events.reduce(0) { $0 + $1.range.count }
        let parent = count == 1 ? events.first.flatMap { $0.batch.trace($0.range.lowerBound) } : nil
        let context = tracer.context(of: parent)
        span = tracer.startSpan("\(SpanValue.send) \(sink)", context: context, ofKind: .client)
        guard span.isRecording else { return }
        span.attributes = Self.attributes(of: events, count, to: sink)
        guard count > 1 else { return }
        for trace in Self.traces(of: events) {
            let context = tracer.context(of: trace)
            span.addLink(SpanLink(context: context, attributes: [:]))
        }
    }

    /// Notes an answer; one that is not `delivered` makes the span one of an error.
    ///
    /// - Parameter type: a word for the error where there is a better one than what it means for the lane.
    package func note(_ outcome: DeliveryOutcome, type: String? = nil) {
        switch outcome {
        case .delivered: break
        case .retry(_, let reason): fail(type ?? "outage", reason)
        case .rejected(let reason): fail(type ?? "rejected", reason)
        case .blocked(let reason): fail(type ?? "blocked", reason)
        case .closed(let reason): fail(type ?? "closed", reason)
        }
    }

    /// Makes the span one of an error.
    package func fail(_ type: String, _ reason: String?) {
        span.attributes.set(SpanKey.errorType, value: .string(type))
        span.setStatus(SpanStatus(code: .error, message: reason))
    }

    private static func attributes(of events: [Delivery.Slice], _ count: Int, to sink: String) -> SpanAttributes {
        var attributes: SpanAttributes = [:]
        attributes.set(SpanKey.system, value: .string(SpanValue.system))
        attributes.set(SpanKey.operation, value: .string(SpanValue.send))
        attributes.set(SpanKey.operationType, value: .string(SpanValue.send))
        attributes.set(SpanKey.destination, value: .string(sink))
        attributes.set(SpanKey.sink, value: .string(sink))
        guard let first = events.first, let last = events.last, count > 0 else { return attributes }
        let firstID = first.batch.ids[first.range.lowerBound]
        if count == 1 {
            let type = first.batch.withEventType(first.range.lowerBound) {
                String(decoding: $0.prefix(typeLimit), as: UTF8.self)
            }
            attributes.set(SpanKey.messageID, value: .string("\(firstID)"))
            attributes.set(SpanKey.id, value: .int64(firstID))
            attributes.set(SpanKey.eventType, value: .string(type))
        } else {
            attributes.set(SpanKey.messageCount, value: .int64(Int64(count)))
            attributes.set(SpanKey.firstID, value: .int64(firstID))
            attributes.set(SpanKey.lastID, value: .int64(last.batch.ids[last.range.upperBound - 1]))
        }
        return attributes
    }

    /// The contexts of the events, each once: a transaction that writes many events gives all of them the same.
    private static func traces(of events: [Delivery.Slice]) -> [EventTrace] {
        var traces: [EventTrace] = []
        var seen: Set<TraceParent> = []
        for slice in events {
            for index in slice.range {
                guard let trace = slice.batch.trace(index), seen.insert(trace.parent).inserted else { continue }
                traces.append(trace)
                if traces.count == linkLimit { return traces }
            }
        }
        return traces
    }
}

extension Tracer {
    /// Where a span begins that is to be a child of an event's, or a root.
    fileprivate func context(of trace: EventTrace?) -> ServiceContext {
        var context = ServiceContext.topLevel
        if let trace { extract(trace, into: &context, using: EventTraceExtractor()) }
        return context
    }
}
