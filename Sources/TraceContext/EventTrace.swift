import RelayCore
import Tracing

/// The trace context that a producer has given an event, as it travels in the event's attributes `traceparent` and
/// `tracestate` (CloudEvents' extension for distributed tracing).
package struct EventTrace: Sendable, Hashable {
    package let parent: TraceParent
    /// `traceparent` as the producer wrote it.
    package let parentText: String
    /// `tracestate`, where it is valid.
    package let state: String?

    /// - Returns: nil where `parent` is not valid, which makes `state` worthless as well.
    package init?(parent text: String, state: String?) {
        guard let parent = TraceParent(text) else { return nil }
        self.parent = parent
        parentText = text
        self.state = state.flatMap { TraceState($0) }?.text
    }
}

/// The names of the two, as attributes and as HTTP headers.
package enum TraceHeaderName {
    package static let parent = "traceparent"
    package static let state = "tracestate"
}

/// Shows an event's context to any tracer.
package struct EventTraceExtractor: Extractor {
    package init() {}

    package func extract(key: String, from trace: EventTrace) -> String? {
        switch key {
        case TraceHeaderName.parent: trace.parentText
        case TraceHeaderName.state: trace.state
        default: nil
        }
    }
}

extension EventBatch {
    /// The trace context of an event; nil where it has none, or none that is valid.
    package func trace(_ index: Int) -> EventTrace? {
        // As most events are: `{}`.
        guard withHeaders(index, { $0.count > 2 }) else { return nil }
        let payload = withPayload(index) { $0.count }
        return withLines(index..<index + 1) { (line) -> EventTrace? in
            // A line ends with the envelope's brace and the line end, behind the payload.
            let envelope = UnsafeRawBufferPointer(rebasing: line.prefix(max(0, line.count - 2 - payload)))
            guard let parent = attribute(",\"traceparent\":\"", in: envelope) else { return nil }
            return EventTrace(parent: parent, state: attribute(",\"tracestate\":\"", in: envelope))
        }
    }

    /// The value of an attribute, by what begins its member. Within a string of JSON no quote stands without a
    /// backslash before it, so that what is found is the member itself and never a part of another's value.
    private func attribute(_ beginning: StaticString, in envelope: UnsafeRawBufferPointer) -> String? {
        let beginning = UnsafeRawBufferPointer(start: beginning.utf8Start, count: beginning.utf8CodeUnitCount)
        var place = 0
        while place + beginning.count < envelope.count {
            let end = place + beginning.count
            if envelope[place] == beginning[0], envelope[place..<end].elementsEqual(beginning) {
                return string(from: end, in: envelope)
            }
            place += 1
        }
        return nil
    }

    /// The string whose inside begins at `start`. Of what a valid value may hold, JSON escapes quotes and backslashes
    /// alone: one that holds another escape is not valid.
    private func string(from start: Int, in envelope: UnsafeRawBufferPointer) -> String? {
        let (quote, backslash) = (UInt8(ascii: "\""), UInt8(ascii: "\\"))
        var text: [UInt8] = []
        var place = start
        // What is longer is valid neither as the one nor as the other.
        while place < envelope.count, text.count <= TraceState.inputLimit {
            switch envelope[place] {
            case quote: return String(decoding: text, as: UTF8.self)
            case backslash:
                place += 1
                guard place < envelope.count, envelope[place] == quote || envelope[place] == backslash else {
                    return nil
                }
                text.append(envelope[place])
            case let byte: text.append(byte)
            }
            place += 1
        }
        return nil
    }
}
