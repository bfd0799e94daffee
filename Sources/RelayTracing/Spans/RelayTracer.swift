import TraceContext
import Tracing

/// Makes the relay's spans, and carries their contexts by W3C Trace Context.
///
/// It samples as OpenTelemetry's `parentbased_always_on` does: a producer that does not want its trace recorded has its
/// way, and every trace that begins here is recorded. Whoever wants fewer leaves that to the collector.
///
/// It is handed to those who trace and is not the process's `InstrumentationSystem`: the HTTP client would trace every
/// request a second time, and those of the exporter as well.
package struct RelayTracer: Tracer {
    private let queue: SpanQueue

    /// - Parameter queue: where spans go that have ended.
    package init(to queue: SpanQueue) { self.queue = queue }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> ServiceContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> RelaySpan {
        var carried = context()
        let parent = carried.span
        var random = SystemRandomNumberGenerator()
        let own = SpanContext(
            traceID: parent?.traceID ?? .random(using: &random), spanID: .random(using: &random),
            flags: parent?.flags ?? .sampled, state: parent?.state)
        carried.span = own
        guard own.flags.contains(.sampled) else { return RelaySpan(carried, record: nil, to: queue) }
        let record = SpanRecord(
            name: operationName, kind: kind, context: own, parent: parent,
            start: instant().nanosecondsSinceEpoch)
        return RelaySpan(carried, record: record, to: queue)
    }

    /// Nothing is flushed between times: a process that ends does it.
    package func forceFlush() {}

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let text = extractor.extract(key: TraceHeaderName.parent, from: carrier),
            let parent = TraceParent(text)
        else { return }
        let state = extractor.extract(key: TraceHeaderName.state, from: carrier).flatMap { TraceState($0) }
        context.span = SpanContext(
            traceID: parent.traceID, spanID: parent.spanID, flags: parent.flags, state: state?.text, isRemote: true)
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context.span else { return }
        let parent = TraceParent(traceID: span.traceID, spanID: span.spanID, flags: span.flags)
        injector.inject(parent.text, forKey: TraceHeaderName.parent, into: &carrier)
        if let state = span.state { injector.inject(state, forKey: TraceHeaderName.state, into: &carrier) }
    }
}
