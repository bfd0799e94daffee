import TraceContext
import Tracing

/// What identifies a span, and travels with it.
package struct SpanContext: Sendable, Hashable {
    package var traceID: TraceID
    package var spanID: SpanID
    package var flags: TraceFlags
    /// What `tracestate` holds.
    package var state: String?
    /// It came from another process.
    package var isRemote: Bool

    package init(
        traceID: TraceID, spanID: SpanID, flags: TraceFlags, state: String? = nil, isRemote: Bool = false
    ) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
        self.state = state
        self.isRemote = isRemote
    }
}

extension ServiceContext {
    /// The span that is under way here.
    package var span: SpanContext? {
        get { self[SpanContextKey.self] }
        set { self[SpanContextKey.self] = newValue }
    }
}

private enum SpanContextKey: ServiceContextKey {
    typealias Value = SpanContext
}
