import RelayCore
import RelayTestKit
import Testing
import TraceContext

@Suite("The trace context of an event")
struct EventTraceTests {
    static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func trace(_ headers: String, payload: String = "{}") throws -> EventTrace? {
        try makeBatch([EventFixture(payload: payload, headers: headers)]).trace(0)
    }

    @Test(arguments: [
        #"{"traceparent": "PARENT"}"#, #"{"a": "b", "traceparent": "PARENT", "z": 1}"#, #"{"Trace-Parent": "PARENT"}"#,
        #"{"note": "a \" b, \\", "traceparent": "PARENT"}"#,
    ])
    func isWhatTravels(_ headers: String) throws {
        let found = try #require(try trace(headers.replacing("PARENT", with: Self.parent)))
        #expect(found.parentText == Self.parent && found.parent.text == Self.parent)
        #expect(found.state == nil)
    }

    @Test(arguments: [
        "{}", "null", #"{"a": 1}"#, #"{"traceparent": 5}"#, #"{"traceparent": "00-1-2-01"}"#, #"{"traceparent": ""}"#,
        #"{"traceparent": {"traceparent": "PARENT"}}"#, #"{"traceparent": "\u0030PARENT"}"#,
        #"{"xtraceparent": "PARENT"}"#,
        // Text that looks like the member.
        #"{"note": ",\"traceparent\":\"PARENT\""}"#, #"{"note": {"a": 1, "traceparent": "PARENT"}}"#,
    ])
    func whereThereIsNone(_ headers: String) throws {
        #expect(try trace(headers.replacing("PARENT", with: Self.parent)) == nil)
    }

    @Test func thePayloadIsNotAsked() throws {
        let payload = #"{"a":1,"traceparent":"\#(Self.parent)"}"#
        #expect(try trace(#"{"a": "b"}"#, payload: payload) == nil)
        #expect(try trace(#"{"traceparent": "\#(Self.parent)"}"#, payload: payload)?.parentText == Self.parent)
    }

    @Test func theStateGoesWithIt() throws {
        let state = try trace(#"{"tracestate": "a=1, b=\"x\\y\"", "traceparent": "\#(Self.parent)"}"#)?.state
        #expect(state == #"a=1,b="x\y""#)
        #expect(try trace(#"{"tracestate": "Not Valid", "traceparent": "\#(Self.parent)"}"#)?.state == nil)
        #expect(try trace(#"{"tracestate": "a=1", "traceparent": "ff"}"#) == nil)
    }

    @Test func eachEventHasItsOwn() throws {
        let other = Self.parent.replacing("00f067", with: "11f067")
        let batch = try makeBatch([
            EventFixture(id: 1, headers: #"{"traceparent": "\#(Self.parent)"}"#), EventFixture(id: 2),
            EventFixture(id: 3, headers: #"{"traceparent": "\#(other)"}"#),
        ])
        #expect((0..<3).map { batch.trace($0)?.parentText } == [Self.parent, nil, other])
    }
}
