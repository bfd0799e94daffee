import Crypto
import RelayCore
import RelayTestKit
import Testing

@testable import OutboxAudit

@Suite("Lines of a file")
struct LineParserTests {
    private func lines(of text: String, step: Int = .max) -> (lines: [LineParser.Line], isWithinLine: Bool) {
        var parser = LineParser()
        var found: [LineParser.Line] = []
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = start + min(step, bytes.count - start)
            bytes[start..<end].withUnsafeBytes { parser.take($0) { found.append($0) } }
            start = end
        }
        return (found, parser.isWithinLine)
    }

    private func event(_ id: Int64, _ payload: String, _ time: Int64?) -> LineParser.Line? {
        PayloadDigest(Array(SHA256.hash(data: Array(payload.utf8)))).map {
            .event(id: id, time: time.map { EventTime(microseconds: $0) }, payload: $0)
        }
    }

    @Test(arguments: [1, 2, 3, 7, 64, .max]) func events(step: Int) throws {
        let payloads = [#"{"a": 1}"#, "1", #"{"data": {"b": "}"}, "c": ",\"data\":"}"#, #""é\n""#, "{}"]
        var fixtures = payloads.enumerated().map { EventFixture(id: Int64($0) - 1, payload: $1) }
        fixtures[1].headers = #"{"note": ",\"data\":", "x": {"data": 1}}"#
        fixtures[2].aggregateID = #"","data":""#
        fixtures[3].createdAt = "4713-01-01 00:00:00+00 BC"
        let text = try makeBatch(fixtures).text
        let expected = payloads.enumerated().map {
            event(Int64($0) - 1, $1, $0 == 3 ? nil : 1_795_212_990_213_327)
        }
        #expect(lines(of: text, step: step).lines == expected)
        #expect(!lines(of: text, step: step).isWithinLine)
    }

    @Test(arguments: [1, 5, .max]) func whatIsNoEvent(step: Int) throws {
        let line = String(try makeBatch([EventFixture()]).text.dropLast())
        let whole = try #require(event(42, #"{"amount": 1}"#, 1_795_212_990_213_327))
        for other in ["", "x", "{}", #"{"specversion":"1.0","id":"x"}"#, #"{"specversion":"1.0"}"#, " \(line)"] {
            #expect(lines(of: "\(line)\n\(other)\n\(line)\n", step: step).lines == [whole, .foreign, whole])
        }
        for count in stride(from: 28, to: line.count, by: 3) {
            let found = lines(of: "\(line.prefix(count))\n\(line)\n", step: step).lines
            #expect(found == [.torn, whole], "\(count)")
            #expect(lines(of: "\(line)\n\(line.prefix(count))", step: step).isWithinLine)
        }
    }
}
