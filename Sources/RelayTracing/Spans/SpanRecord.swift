import TraceContext
import Tracing

/// What is known of a span, within bounds.
package struct SpanRecord: Sendable {
    /// Links and events at most; more are counted.
    package static let linkLimit = DeliverySpan.linkLimit
    package static let eventLimit = 16
    /// Bytes of a text at most: names, values, messages.
    package static let textLimit = 2 << 10

    package var name: String
    package var kind: SpanKind
    package var context: SpanContext
    package var parent: SpanContext?
    /// Nanoseconds since the Unix epoch.
    package var start: UInt64
    /// Nanoseconds since the Unix epoch, not before ``start``.
    package var end: UInt64
    package var attributes: SpanAttributes = [:]
    package private(set) var events: [SpanEvent] = []
    package private(set) var links: [SpanContext] = []
    package private(set) var droppedEvents = 0
    package private(set) var droppedLinks = 0
    package var status: SpanStatus?

    package init(name: String, kind: SpanKind, context: SpanContext, parent: SpanContext?, start: UInt64) {
        self.name = name
        self.kind = kind
        self.context = context
        self.parent = parent
        self.start = start
        end = start
    }

    mutating func add(_ event: SpanEvent) {
        guard events.count < Self.eventLimit else { return droppedEvents += 1 }
        events.append(event)
    }

    mutating func addLink(to target: SpanContext) {
        guard links.count < Self.linkLimit else { return droppedLinks += 1 }
        // What other systems tell each other along that trace would be most of the memory that links take.
        var link = target
        link.state = nil
        links.append(link)
    }

    /// Cuts what is too long.
    mutating func shorten() {
        name = Self.shortened(name)
        attributes = Self.shortened(attributes)
        if let message = status?.message, let code = status?.code {
            status = SpanStatus(code: code, message: Self.shortened(message))
        }
        for index in events.indices { events[index].attributes = Self.shortened(events[index].attributes) }
    }

    /// About as many bytes as it takes.
    package var byteCount: Int {
        var count = 512 + name.utf8.count + Self.byteCount(attributes) + (status?.message?.utf8.count ?? 0)
        count += (context.state?.utf8.count ?? 0) + links.count * MemoryLayout<SpanContext>.stride
        for event in events { count += 64 + event.name.utf8.count + Self.byteCount(event.attributes) }
        return count
    }

    private static func byteCount(_ attributes: SpanAttributes) -> Int {
        var count = 0
        attributes.forEach { name, value in
            count += 64 + name.utf8.count
            if case .string(let text) = value { count += text.utf8.count }
        }
        return count
    }

    private static func shortened(_ attributes: SpanAttributes) -> SpanAttributes {
        var shortened = attributes
        attributes.forEach { name, value in
            guard case .string(let text) = value, text.utf8.count > textLimit else { return }
            shortened.set(name, value: .string(Self.shortened(text)))
        }
        return shortened
    }

    private static func shortened(_ text: String) -> String {
        text.utf8.count > textLimit ? String(decoding: text.utf8.prefix(textLimit), as: UTF8.self) : text
    }
}
