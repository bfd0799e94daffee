import Testing

@testable import WebhookSink

@Suite("Where a response's body ends")
struct BodyReaderTests {
    /// Reads `text` in pieces of `size` bytes.
    private func read(
        _ text: String, _ framing: ResponseHead.Framing, by size: Int
    ) -> (reader: BodyReader, taken: Int) {
        var reader = BodyReader(framing)
        let bytes = Array(text.utf8)
        var taken = 0
        while taken < bytes.count {
            let piece = bytes[taken..<min(bytes.count, taken + size)]
            let count = piece.withUnsafeBytes { reader.read($0) }
            taken += count
            if count < piece.count { break }
        }
        return (reader, taken)
    }

    struct Body: Sendable, CustomTestStringConvertible {
        var text: String
        var framing: ResponseHead.Framing
        /// Bytes that belong to the response.
        var length: Int
        var beginning: String
        var testDescription: String { "\(framing): \(text.debugDescription)" }
    }

    /// In whatever pieces it comes.
    @Test(arguments: [
        Body(text: "abcHTTP", framing: .length(3), length: 3, beginning: "abc"),
        Body(text: "HTTP", framing: .length(0), length: 0, beginning: ""),
        Body(text: "HTTP", framing: .none, length: 0, beginning: ""),
        Body(text: "3\r\nabc\r\n0\r\n\r\nHTTP", framing: .chunked, length: 13, beginning: "abc"),
        Body(
            text: "2\r\nab\r\nA;x=y\r\ncdefghijkl\r\n0\r\n\r\n", framing: .chunked, length: 31,
            beginning: "abcdefghijkl"),
        Body(text: "1\na\n0\nx-sum: 1\r\ny: 2\n\nHTTP", framing: .chunked, length: 22, beginning: "a"),
        Body(text: "1 \r\na\r\n000\r\n\r\n", framing: .chunked, length: 14, beginning: "a"),
    ])
    func itsEnd(body: Body) {
        for size in 1...body.text.utf8.count {
            let (reader, taken) = read(body.text, body.framing, by: size)
            #expect(reader.isWhole && taken == body.length, "by \(size): \(taken)")
            #expect(reader.beginning == Array(body.beginning.utf8))
        }
    }

    @Test(arguments: [
        "x\r\n", "\r\n", "-1\r\n", "+1\r\na\r\n", "8000000000000000\r\n", "3\r\nabcd\r\n",
        "3;\(String(repeating: "a", count: 300))\r\n",
    ])
    func chunksThatAreNone(text: String) {
        for size in [1, 2, 1000] {
            let reader = read(text, .chunked, by: size).reader
            #expect(reader.isLost && !reader.isWhole)
        }
    }

    @Test func whatEndsWithTheConnectionHasNoEndBefore() {
        let (reader, taken) = read("abc", .connection, by: 2)
        #expect(!reader.isWhole && !reader.isLost && taken == 3)
        #expect(reader.beginning == Array("abc".utf8))
    }

    @Test func onlyTheBeginningIsKept() {
        let (reader, _) = read(String(repeating: "a", count: 10_000), .length(10_000), by: 700)
        #expect(reader.isWhole && reader.count == 10_000)
        #expect(reader.beginning.count == 2048)
    }
}
