import RelayCore
import TraceContext
import Tracing

/// The span of one transaction that writes what was delivered: the root of a trace of its own. What it settles came by
/// many traces, and each of them has its delivery.
struct SettlementSpan {
    /// Events, those of each sink: one that two sinks have got counts twice.
    var events: Int
    /// How many of them are parked.
    var parked: Int
    var sinks: Int

    func trace<Value>(by tracer: any Tracer, _ body: () async throws -> Value) async throws -> Value {
        let span = tracer.startSpan(SpanValue.settle, context: ServiceContext.topLevel, ofKind: .client)
        span.attributes = attributes
        defer { span.end() }
        do {
            return try await body()
        } catch {
            span.attributes.set(SpanKey.errorType, value: .string("\(type(of: error))"))
            span.setStatus(SpanStatus(code: .error))
            throw error
        }
    }

    private var attributes: SpanAttributes {
        [
            SpanKey.system: .string(SpanValue.system), SpanKey.operation: .string(SpanValue.settle),
            SpanKey.operationType: .string(SpanValue.settle), SpanKey.databaseSystem: .string("postgresql"),
            SpanKey.messageCount: .int64(Int64(events)), SpanKey.settledParked: .int64(Int64(parked)),
            SpanKey.settledSinks: .int64(Int64(sinks)),
        ]
    }
}
