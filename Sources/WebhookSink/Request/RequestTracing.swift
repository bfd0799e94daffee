import NIOHTTP1
import RelayCore
import TraceContext
import Tracing

/// Makes a span of each request to a webhook, a retry being a request of its own, and lets the receiver know it by
/// `traceparent` and `tracestate`.
///
/// The header speaks of this hop, and the event's own attributes of where the trace began: they stay as the producer
/// wrote them (CloudEvents' extension for distributed tracing: the attributes are the starting trace's, what belongs to
/// a hop goes into the protocol's own headers).
struct RequestTracing: Sendable {
    let tracer: any Tracer
    /// The sink's name.
    let sink: String
    let endpoint: Endpoint

    /// Begins the span of a request that holds these events.
    func begin(_ events: EventRun) -> RequestSpan {
        let delivery = DeliverySpan(of: events.pieces, to: sink, by: tracer)
        if delivery.span.isRecording {
            delivery.span.updateAttributes { attributes in
                attributes.set(SpanKey.requestMethod, value: .string("POST"))
                attributes.set(SpanKey.scheme, value: .string(endpoint.isSecure ? "https" : "http"))
                attributes.set(SpanKey.serverAddress, value: .string(endpoint.host))
                attributes.set(SpanKey.serverPort, value: .int64(Int64(endpoint.port)))
            }
        }
        var headers = HTTPHeaders()
        tracer.inject(delivery.span.context, into: &headers, using: HeaderInjector())
        return RequestSpan(delivery: delivery, headers: headers)
    }
}

/// The span of one request.
struct RequestSpan: Sendable {
    fileprivate let delivery: DeliverySpan
    /// What tells the receiver of it.
    let headers: HTTPHeaders

    func end(_ request: SentRequest) {
        if let status = request.status {
            delivery.span.attributes.set(SpanKey.responseStatus, value: .int64(Int64(status)))
        }
        if let outcome = request.outcome {
            delivery.note(outcome, type: request.status.map { "\($0)" })
        } else {
            delivery.fail("cancelled", nil)
        }
        delivery.span.end()
    }
}

extension EventRun {
    /// What a request says of traces where it has no span: it passes its event's context on, as it is.
    ///
    /// That is the least that W3C Trace Context asks of who stands in between and does not take part ("forwarding a
    /// trace"), and CloudEvents' extension has the header of a single hop tell the same as the attribute. What is not
    /// valid is not passed on, nor is anything of a request that holds several events: it would belong to one trace of
    /// many.
    func forwardedTrace() -> HTTPHeaders {
        var headers = HTTPHeaders()
        guard pieces.count == 1, pieces[0].range.count == 1, let trace = first.batch.trace(first.index) else {
            return headers
        }
        headers.add(name: TraceHeaderName.parent, value: trace.parentText)
        if let state = trace.state { headers.add(name: TraceHeaderName.state, value: state) }
        return headers
    }
}

private struct HeaderInjector: Injector {
    func inject(_ value: String, forKey key: String, into headers: inout HTTPHeaders) {
        headers.replaceOrAdd(name: key, value: value)
    }
}
