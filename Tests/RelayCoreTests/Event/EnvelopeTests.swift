import Foundation
import RelayCore
import RelayTestKit
import Testing

@Suite("An event's JSON line, byte for byte")
struct EnvelopeTests {
    @Test func plainEvent() throws {
        #expect(
            try EventFixture().line()
                == #"{"specversion":"1.0","id":"42","source":"/outbox","type":"transfer.posted","subject":"9f1c","#
                + #""time":"2026-11-20T22:16:30.213327Z","datacontenttype":"application/json","partitionkey":"9f1c","#
                + #""sequence":"00000000000000000042","aggregatetype":"transfer","data":{"amount": 1}}"#)
    }

    @Test func everyOptionalMemberLeftOut() throws {
        let event = EventFixture(id: -7, aggregateID: "", createdAt: "0044-03-15 12:00:00+00 BC")
        #expect(
            try event.line()
                == #"{"specversion":"1.0","id":"-7","source":"/outbox","type":"transfer.posted","#
                + #""datacontenttype":"application/json","aggregatetype":"transfer","data":{"amount": 1}}"#)
    }

    @Test(arguments: [
        (0, #""id":"0""#, #""sequence":"00000000000000000000""#),
        (1, #""id":"1""#, #""sequence":"00000000000000000001""#),
        (Int64.max, #""id":"9223372036854775807""#, #""sequence":"09223372036854775807""#),
    ])
    func sequence(id: Int64, idMember: String, sequence: String) throws {
        let line = try EventFixture(id: id).line()
        #expect(line.contains(idMember + ","))
        #expect(line.contains(sequence + ","))
    }

    @Test func smallestID() throws {
        let line = try EventFixture(id: .min).line()
        #expect(line.contains(#""id":"-9223372036854775808","#))
        #expect(!line.contains("sequence"))
    }

    @Test(arguments: [
        ("plain", "plain"), ("\"", #"\""#), ("\\", #"\\"#), ("a\"b\\c", #"a\"b\\c"#),
        ("\u{8}\u{9}\u{A}\u{C}\u{D}", #"\b\t\n\f\r"#), ("\u{1}\u{1F}\u{B}", #"\u0001\u001f\u000b"#),
        ("\u{7F}", "\u{7F}"), ("\u{2028}\u{2029}", "\u{2028}\u{2029}"), ("é漢🎉", "é漢🎉"), ("/", "/"),
        ("sixteen bytes...", "sixteen bytes..."), ("1234567\"", #"1234567\""#), ("12345678\"", #"12345678\""#),
        ("ééééé\u{1}", "ééééé\\u0001"), (" ~", " ~"),
    ])
    func escaping(raw: String, escaped: String) throws {
        var builder = EventBatchBuilder(source: raw)
        try EventFixture(aggregateType: raw, aggregateID: raw, eventType: raw).append(to: &builder)
        let batch = builder.finish()
        let line = batch.line(0)
        for member in ["source", "type", "subject", "partitionkey", "aggregatetype"] {
            #expect(line.contains("\"\(member)\":\"\(escaped)\""))
        }
        // The batch gives out what the column held.
        #expect(batch.withEventType(0) { String(decoding: $0, as: UTF8.self) } == raw)
        #expect(batch.withAggregateType(0) { String(decoding: $0, as: UTF8.self) } == raw)
        #expect(batch.withKey(0) { String(decoding: $0, as: UTF8.self) } == raw)

        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["subject"] as? String == raw)
        #expect(object["source"] as? String == raw)
    }

    @Test(arguments: [
        "1.10", "\"text\"", "null", "[]", "{\"n\": 12345678901234567890.123456789012345678}",
        "{\"s\": \"é \\u0001 \\\\ \\\" 漢\"}", "{\"a\": {\"b\": [1, 2, {\"c\": null}]}}",
    ])
    func payloadIsSpliced(payload: String) throws {
        var builder = EventBatchBuilder(source: "/outbox")
        try EventFixture(payload: payload).append(to: &builder)
        let batch = builder.finish()
        #expect(batch.line(0).hasSuffix(",\"data\":\(payload)}\n"))
        #expect(batch.withPayload(0) { String(decoding: $0, as: UTF8.self) } == payload)
    }

    @Test func everyByteBelow128IsEscapedAsFoundationReadsIt() throws {
        let text = String(String.UnicodeScalarView((1..<0x180).compactMap(Unicode.Scalar.init)))
        let line = try EventFixture(aggregateID: text).line()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["partitionkey"] as? String == text)
    }

    @Test(arguments: ["", "{}\n", "{\n}"])
    func payloadThatIsNoJSONB(payload: String) {
        var builder = EventBatchBuilder(source: "/outbox")
        #expect(throws: EventEncodingError.payload(id: 42)) { try EventFixture(payload: payload).append(to: &builder) }
        #expect(builder.count == 0)
        #expect(builder.byteCount == 0)
    }
}
