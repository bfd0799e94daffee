import RelayCore
import TraceContext
import Tracing

/// A sink each of whose deliveries is a span. The contract of ``Sink`` holds on both sides.
///
/// It is for sinks that have nowhere to put a trace's context: a webhook makes spans of its own, one a request.
package struct TracedSink: Sink {
    private let base: any Sink
    private let tracer: any Tracer

    package init(_ base: any Sink, by tracer: any Tracer) {
        self.base = base
        self.tracer = tracer
    }

    package var name: String { base.name }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) { try await base.open(outbox) }

    package func close() async { await base.close() }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        let span = DeliverySpan(of: delivery.slices, to: base.name, by: tracer)
        await base.deliver(delivery) { count, outcome in
            span.note(outcome)
            report(count, outcome)
        }
        span.span.end()
    }
}
