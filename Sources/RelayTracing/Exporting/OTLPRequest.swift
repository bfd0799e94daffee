import RelayCore
import TraceContext
import Tracing

/// Spans as a request of OTLP, an ExportTraceServiceRequest in its JSON form (OTLP 1.5, "JSON Protobuf Encoding"): ids
/// in hexadecimal, 64-bit numbers as strings, enums as numbers, what has its default left out.
package struct OTLPRequest: Sendable {
    private let resource: [(name: String, value: String)]
    private let version: String

    /// - Parameters:
    ///   - resource: Whose spans they are.
    ///   - version: The relay's own.
    package init(resource: [String: String], version: String) {
        self.resource = resource.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        self.version = version
    }

    /// The request's body.
    package func body(_ spans: [SpanRecord]) -> String {
        var text = #"{"resourceSpans":[{"resource":{"attributes":["#
        text += resource.map { Self.attribute($0.name, .string($0.value)) }.joined(separator: ",")
        text += #"]},"scopeSpans":[{"scope":{"name":"outbox-relay","version":\#(jsonString(version))},"spans":["#
        for (index, span) in spans.enumerated() {
            if index > 0 { text += "," }
            Self.write(span, to: &text)
        }
        text += "]}]}]}"
        return text
    }

    private static func write(_ span: SpanRecord, to text: inout String) {
        text += #"{"traceId":"\#(span.context.traceID)","spanId":"\#(span.context.spanID)""#
        if let state = span.context.state { text += #","traceState":\#(jsonString(state))"# }
        if let parent = span.parent { text += #","parentSpanId":"\#(parent.spanID)""# }
        text += #","flags":\#(flags(span.context, isRemote: span.parent?.isRemote ?? false))"#
        text += #","name":\#(jsonString(span.name)),"kind":\#(number(span.kind))"#
        text += #","startTimeUnixNano":"\#(span.start)","endTimeUnixNano":"\#(span.end)""#
        text += #","attributes":\#(list(span.attributes))"#
        writeEvents(span, to: &text)
        writeLinks(span, to: &text)
        if let status = span.status { text += #","status":\#(object(status))"# }
        text += "}"
    }

    private static func writeEvents(_ span: SpanRecord, to text: inout String) {
        if !span.events.isEmpty {
            let events = span.events.map { event in
                #"{"timeUnixNano":"\#(event.nanosecondsSinceEpoch)","name":\#(jsonString(event.name))"#
                    + #","attributes":\#(list(event.attributes))}"#
            }
            text += #","events":[\#(events.joined(separator: ","))]"#
        }
        if span.droppedEvents > 0 { text += #","droppedEventsCount":\#(span.droppedEvents)"# }
    }

    private static func writeLinks(_ span: SpanRecord, to text: inout String) {
        if !span.links.isEmpty {
            let links = span.links.map { link in
                #"{"traceId":"\#(link.traceID)","spanId":"\#(link.spanID)""#
                    + #","flags":\#(flags(link, isRemote: link.isRemote))}"#
            }
            text += #","links":[\#(links.joined(separator: ","))]"#
        }
        if span.droppedLinks > 0 { text += #","droppedLinksCount":\#(span.droppedLinks)"# }
    }

    /// W3C's flags in the low byte; above them that it is known whether the parent, or the link's target, is remote,
    /// and whether it is.
    private static func flags(_ context: SpanContext, isRemote: Bool) -> Int {
        Int(context.flags.rawValue) | 0x100 | (isRemote ? 0x200 : 0)
    }

    private static func number(_ kind: SpanKind) -> Int {
        switch kind {
        case .internal: 1
        case .server: 2
        case .client: 3
        case .producer: 4
        case .consumer: 5
        }
    }

    private static func object(_ status: SpanStatus) -> String {
        let code = status.code == .error ? 2 : 1
        return status.message.map { #"{"message":\#(jsonString($0)),"code":\#(code)}"# } ?? #"{"code":\#(code)}"#
    }

    /// By name, so that the same span is always the same text.
    private static func list(_ attributes: SpanAttributes) -> String {
        var pairs: [(name: String, value: SpanAttribute)] = []
        attributes.forEach { pairs.append(($0, $1)) }
        pairs.sort { $0.name < $1.name }
        return "[" + pairs.map { attribute($0.name, $0.value) }.joined(separator: ",") + "]"
    }

    private static func attribute(_ name: String, _ value: SpanAttribute) -> String {
        #"{"key":\#(jsonString(name)),"value":\#(Self.value(value))}"#
    }

    private static func value(_ value: SpanAttribute) -> String {
        switch value {
        case .int32(let number): integer(Int64(number))
        case .int64(let number): integer(number)
        case .double(let number): double(number)
        case .bool(let truth): #"{"boolValue":\#(truth)}"#
        case .string(let text): string(text)
        case .stringConvertible(let convertible): string(convertible.description)
        case .int32Array(let numbers): array(numbers.map { integer(Int64($0)) })
        case .int64Array(let numbers): array(numbers.map(integer))
        case .doubleArray(let numbers): array(numbers.map(double))
        case .boolArray(let truths): array(truths.map { #"{"boolValue":\#($0)}"# })
        case .stringArray(let texts): array(texts.map(string))
        case .stringConvertibleArray(let convertibles): array(convertibles.map { string($0.description) })
        default: string("")
        }
    }

    private static func integer(_ number: Int64) -> String { #"{"intValue":"\#(number)"}"# }

    /// What is no number of JSON is a string (protobuf's JSON mapping).
    private static func double(_ number: Double) -> String {
        if number.isFinite { return #"{"doubleValue":\#(number)}"# }
        return #"{"doubleValue":"\#(number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity")"}"#
    }

    private static func string(_ text: String) -> String { #"{"stringValue":\#(jsonString(text))}"# }

    private static func array(_ values: [String]) -> String {
        #"{"arrayValue":{"values":[\#(values.joined(separator: ","))]}}"#
    }
}
