import Synchronization
import Tracing

/// A span from its start to its end, when it goes to the exporter. One that is not sampled has a context and keeps
/// nothing.
package final class RelaySpan: Tracing.Span {
    package let context: ServiceContext
    /// Nil where nothing is recorded, or not any more.
    private let record: Mutex<SpanRecord?>
    private let queue: SpanQueue

    init(_ context: ServiceContext, record: SpanRecord?, to queue: SpanQueue) {
        self.context = context
        self.record = Mutex(record)
        self.queue = queue
    }

    package var isRecording: Bool { record.withLock { $0 != nil } }

    package var operationName: String {
        get { record.withLock { $0?.name ?? "" } }
        set { change { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { record.withLock { $0?.attributes ?? [:] } }
        set { change { $0.attributes = newValue } }
    }

    package func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    package func addEvent(_ event: SpanEvent) { change { $0.add(event) } }

    package func addLink(_ link: SpanLink) {
        guard let target = link.context.span else { return }
        change { $0.addLink(to: target) }
    }

    package func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes.set("exception.type", value: .string("\(type(of: error))"))
        attributes.set("exception.message", value: .string("\(error)"))
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard var ended = record.withLock({ $0.take() }) else { return }
        // The clock may have been set back meanwhile.
        ended.end = max(ended.start, instant().nanosecondsSinceEpoch)
        ended.shorten()
        queue.add(ended)
    }

    private func change(_ body: (inout SpanRecord) -> Void) {
        record.withLock { record in
            guard var changed = record.take() else { return }
            body(&changed)
            record = changed
        }
    }
}
