import Foundation
import RelayCore
import RelayTestKit
import Testing

@Suite("Members from headers")
struct HeaderMembersTests {
    @Test(arguments: [
        ("{}", ""),
        (#"{"traceparent": "00-ab"}"#, #","traceparent":"00-ab""#),
        (#"{"correlation_id": "c", "traceparent": "t"}"#, #","correlationid":"c","traceparent":"t""#),
        // Sorted by name, however jsonb sorts (by length).
        (#"{"b": "1", "aa": "2", "Z": "3", "aaa": "4"}"#, #","aa":"2","aaa":"4","b":"1","z":"3""#),
        (#"{"10": "x", "9": "y"}"#, #","10":"x","9":"y""#),
        // Nothing but ASCII letters and digits is left of a name.
        (#"{"X-Request_Id.é漢": "r"}"#, #","xrequestid":"r""#),
        (#"{"": "e", "--": "d", "é": "u"}"#, ""),
        (#"{"a\"b\\c\n\u0001": "x"}"#, #","abc":"x""#),
        (#"{"\u0041\u00e9\ud83c\udf89": "x"}"#, #","a":"x""#),
        // Names that the envelope or CloudEvents has.
        (
            #"{"id": "1", "data": "1", "time": "1", "type": "1", "source": "1", "subject": "1", "sequence": "1", "#
                + #""dataschema": "1", "specversion": "1", "partitionkey": "1", "aggregatetype": "1", "#
                + #""datacontenttype": "1", "Partition-Key": "2", "data_schema": "1", "DATA": "1"}"#, ""
        ),
        (
            #"{"ids": "1", "data_base64": "2", "i": "3", "datas": "4"}"#,
            #","database64":"2","datas":"4","i":"3","ids":"1""#
        ),
        // Of several that become one the first in byte order of the original names travels.
        (#"{"ab": "1", "AB": "2", "a_b": "3"}"#, #","ab":"2""#),
        (#"{"a_b": "3", "ab": "1"}"#, #","ab":"3""#),
        (#"{"a-b": "3", "a_b": "1", "aab": "2"}"#, #","aab":"2","ab":"3""#),
        // The escaped name counts as what it stands for: U+0001 comes before "-".
        (#"{"a-b": "1", "a\u0001b": "2"}"#, #","ab":"2""#),
        (#"{"ab": "1", "ab-": "2", "ab\\": "3"}"#, #","ab":"1""#),
        (#"{"ab-": "2", "ab\"": "3"}"#, #","ab":"3""#),
    ])
    func names(headers: String, attributes: String) throws {
        #expect(try EventFixture(headers: headers).attributes() == attributes)
    }

    @Test(arguments: [
        (#""x""#, #""x""#), (#""""#, #""""#),
        (#""\" \\ \b \f \n \r \t \u0001 é 漢""#, #""\" \\ \b \f \n \r \t \u0001 é 漢""#),
        (#""}],{[:""#, #""}],{[:""#),
        ("5", #""5""#), ("-1.50e+300", #""-1.50e+300""#), ("true", #""true""#), ("false", #""false""#),
        ("null", #""null""#), ("{}", #""{}""#), ("[]", #""[]""#), ("[1, 2, [3]]", #""[1, 2, [3]]""#),
        (#"{"a": 1}"#, #""{\"a\": 1}""#),
        (#"{"a": "q\"\\\n", "b": [{"c": "}"}]}"#, #""{\"a\": \"q\\\"\\\\\\n\", \"b\": [{\"c\": \"}\"}]}""#),
    ])
    func values(value: String, written: String) throws {
        let expected = ",\"a\":\(written),\"z\":\"1\""
        #expect(try EventFixture(headers: "{\"a\": \(value), \"z\": \"1\"}").attributes() == expected)
        #expect(try EventFixture(headers: "{\"z\": \"1\", \"a\": \(value)}").attributes() == expected)
        #expect(try EventFixture(headers: "{\"z\":\"1\",\"a\":\(value)}").attributes() == expected)
        #expect(try EventFixture(headers: " {\"z\" :\t\"1\" ,\n\"a\" : \(value) } ").attributes() == expected)
    }

    @Test(arguments: ["[]", "[1, {\"a\": \"b\"}]", "\"text\"", "5", "12", "null", "true", "{ }"])
    func noObject(headers: String) throws {
        #expect(try EventFixture(headers: headers).attributes() == "")
    }

    @Test(arguments: [
        ("{\"", 2), ("{\"a", 3), ("{\"a\"", 4), ("{\"a\":", 5), ("{\"a\": 1", 7), ("{\"a\": \"x}", 9),
        ("{\"a\": [1}", 9),
        ("{\"a\": 1,", 8), ("{\"a\": 1} x", 9), ("{\"a\" 1}", 5), ("{a: 1}", 1), ("{\"a\": }", 6),
        ("{\"a\": \"\n\"}", 7),
        ("{\"a\\u00g0\": 1}", 13), ("{\"a\\x\": 1}", 9), ("{\"a\\u00\": 1}", 11), ("{\"a\": \"b\\", 9),
        ("{\"a\": 1 2}", 8),
        ("{\"a\": 1}}", 8), ("{\"a\":: 1}", 5),
    ])
    func notJSON(headers: String, offset: Int) {
        var builder = EventBatchBuilder(source: "/outbox")
        #expect(throws: EventEncodingError.headers(id: 42, offset: offset)) {
            try EventFixture(headers: headers).append(to: &builder)
        }
        #expect(builder.count == 0)
    }

    @Test func rawHeadersAreGivenOutAsTheyCame() throws {
        var builder = EventBatchBuilder(source: "/outbox")
        let all = ["{}", #"{"a": 1}"#, "[]", #"{"B": "\n"}"#, "null"]
        for headers in all { try EventFixture(headers: headers).append(to: &builder) }
        let batch = builder.finish()
        let raw = (0..<batch.count).map { batch.withHeaders($0) { String(decoding: $0, as: UTF8.self) } }
        #expect(raw == all)
    }

    @Test func deepNestingNeedsNoStack() throws {
        let depth = 1_000_000
        let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let written = try EventFixture(headers: "{\"a\": \(value)}").attributes()
        #expect(written.utf8.count == value.utf8.count + 7)
        #expect(throws: EventEncodingError.self) {
            try EventFixture(headers: "{\"a\": " + String(repeating: "[", count: depth)).line()
        }
    }

    @Test func manyHeaders() throws {
        let names = (0..<5000).map { "h\($0)" }
        let headers = "{" + names.map { "\"\($0)\": \"\($0)\"" }.joined(separator: ", ") + "}"
        let expected = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { ",\"\($0)\":\"\($0)\"" }
        #expect(try EventFixture(headers: headers).attributes() == expected.joined())
    }

    @Test func anyMutationIsRefusedOrStaysOneLineOfJSON() throws {
        var random = SeededRandom(seed: 20_261_121)
        let original = Array(
            #"{"corr_id": "a\"b\\c\u0001", "n": [1, {"x": "y"}], "id": null, "é": "漢\n", "CORRID": 5}"#.utf8)
        for _ in 0..<8_000 {
            var headers = original
            for _ in 0...Int.random(in: 0..<3, using: &random) {
                let position = Int.random(in: 0..<headers.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: headers[position] = "{}[]\",:\\ u0aé\n".utf8.randomElement(using: &random) ?? 0
                case 1 where headers.count > 1: headers.remove(at: position)
                default: headers.removeLast(headers.count - max(position, 1))
                }
            }
            let text = String(decoding: headers, as: UTF8.self)
            guard let line = try? EventFixture(headers: text).line() else { continue }
            try #require(!line.utf8.contains(0x0A))
            try #require(line.utf8.starts(with: "{\"specversion\"".utf8))
            // Where the headers were JSON, so is the line.
            if (try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)) != nil {
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
                try #require(object != nil, "\(text) became \(line)")
            }
        }
    }
}

/// A small generator with a seed (SplitMix64).
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
