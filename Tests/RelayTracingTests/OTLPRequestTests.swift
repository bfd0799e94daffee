import Foundation
import RelayTestKit
import Testing
import Tracing

@testable import RelayTracing

@Suite("Spans as requests of OTLP")
struct OTLPRequestTests {
    private let request = OTLPRequest(
        resource: ["service.name": "outbox-relay", "host.name": "h\"1"], version: "1.2.3")

    @Test func isExactlyThis() throws {
        var first = SpanRecord(
            name: "send orders", kind: .client,
            context: try .numbered(trace: 0xfedc_ba98_7654_3210, span: 0x00f0_67aa_0ba9_02b7, state: "a=1"),
            parent: try .numbered(trace: 0xfedc_ba98_7654_3210, span: 1, isRemote: true),
            start: 1_700_000_000_000_000_001)
        first.end = 1_700_000_000_000_000_002
        first.attributes = ["z": "x\"y", "i": .int64(42), "b": .bool(true)]
        first.addLink(to: try .numbered(trace: 2, span: 3, isRemote: true))
        first.add(SpanEvent(name: "e", at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 5)))
        first.status = SpanStatus(code: .error, message: "no\n")
        var second = try SpanRecord.numbered(2, name: "settle")
        second.status = SpanStatus(code: .ok)
        let expected = [
            #"{"resourceSpans":[{"resource":{"attributes":["#,
            #"{"key":"host.name","value":{"stringValue":"h\"1"}},"#,
            #"{"key":"service.name","value":{"stringValue":"outbox-relay"}}]},"#,
            #""scopeSpans":[{"scope":{"name":"outbox-relay","version":"1.2.3"},"spans":["#,
            #"{"traceId":"0123456789abcdeffedcba9876543210","spanId":"00f067aa0ba902b7","traceState":"a=1","#,
            #""parentSpanId":"0000000000000001","flags":769,"name":"send orders","kind":3,"#,
            #""startTimeUnixNano":"1700000000000000001","endTimeUnixNano":"1700000000000000002","#,
            #""attributes":[{"key":"b","value":{"boolValue":true}},{"key":"i","value":{"intValue":"42"}},"#,
            #"{"key":"z","value":{"stringValue":"x\"y"}}],"#,
            #""events":[{"timeUnixNano":"5","name":"e","attributes":[]}],"#,
            #""links":[{"traceId":"0123456789abcdef0000000000000002","spanId":"0000000000000003","flags":769}],"#,
            #""status":{"message":"no\n","code":2}},"#,
            #"{"traceId":"0123456789abcdef0000000000000001","spanId":"0000000000000002","flags":257,"#,
            #""name":"settle","kind":1,"startTimeUnixNano":"1700000000000000000","#,
            #""endTimeUnixNano":"1700000000000000000","attributes":[],"status":{"code":1}}]}]}]}"#,
        ]
        #expect(request.body([first, second]) == expected.joined())
    }

    private static let encodings: [(SpanAttribute, String)] = [
        (.int64(.min), #"{"intValue":"-9223372036854775808"}"#), (.int32(-7), #"{"intValue":"-7"}"#),
        (.double(0.5), #"{"doubleValue":0.5}"#), (.double(.nan), #"{"doubleValue":"NaN"}"#),
        (.double(.infinity), #"{"doubleValue":"Infinity"}"#), (.double(-.infinity), #"{"doubleValue":"-Infinity"}"#),
        (.bool(false), #"{"boolValue":false}"#), (.string("é\u{1}"), #"{"stringValue":"é\u0001"}"#),
        (.stringConvertible(5), #"{"stringValue":"5"}"#),
        (.int64Array([1, 2]), #"{"arrayValue":{"values":[{"intValue":"1"},{"intValue":"2"}]}}"#),
        (.int32Array([]), #"{"arrayValue":{"values":[]}}"#),
        (.doubleArray([0.5]), #"{"arrayValue":{"values":[{"doubleValue":0.5}]}}"#),
        (.boolArray([true]), #"{"arrayValue":{"values":[{"boolValue":true}]}}"#),
        (.stringArray(["a"]), #"{"arrayValue":{"values":[{"stringValue":"a"}]}}"#),
    ]

    @Test(arguments: encodings)
    func values(value: SpanAttribute, text: String) throws {
        var span = try SpanRecord.numbered(1)
        span.attributes.set("k", value: value)
        let body = request.body([span])
        #expect(body.contains(#""attributes":[{"key":"k","value":\#(text)}]"#), "\(body)")
    }

    @Test(arguments: zip([SpanKind.internal, .server, .client, .producer, .consumer], 1...5))
    func kinds(kind: SpanKind, number: Int) throws {
        let span = SpanRecord(
            name: "s", kind: kind, context: try .numbered(trace: 1, span: 1), parent: nil, start: 1)
        #expect(request.body([span]).contains(#""name":"s","kind":\#(number),"#))
    }

    @Test func whatWasDroppedIsCounted() throws {
        let body = request.body([try .full()])
        #expect(body.contains(#""droppedLinksCount":2"#) && !body.contains("droppedEventsCount"))
    }
}
