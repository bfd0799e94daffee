import Testing

@testable import WebhookSink

@Suite("The head of a response")
struct ResponseHeadTests {
    /// Reads a text in pieces of one size.
    private func read(_ text: String, by size: Int = .max) throws -> (head: ResponseHead, rest: String)? {
        var reader = ResponseHeadReader()
        let bytes = Array(text.utf8)
        var start = 0
        while start < bytes.count {
            let end = size < bytes.count - start ? start + size : bytes.count
            let found = try bytes[start..<end].withUnsafeBytes { try reader.read($0) }
            if let found { return (found.head, String(decoding: bytes[(start + found.count)...], as: UTF8.self)) }
            start = end
        }
        return nil
    }

    @Test(arguments: [1, 2, 7, .max]) func piecesMakeNoDifference(size: Int) throws {
        let text = "HTTP/1.1 503 Later\r\nRetry-After :\r\n\t7 \r\nx: y\r\nLocation: /a\r\nContent-Length: 2\r\n\r\nok"
        let (head, rest) = try #require(try read(text, by: size))
        #expect(rest == "ok")
        #expect(head.status == 503 && head.framing == .length(2) && head.isKept)
        #expect(head.retryAfter == Array("7".utf8) && head.location == Array("/a".utf8))
        // What is passed on reads as the same.
        let again = try #require(try read(String(decoding: head.bytes, as: UTF8.self), by: size))
        #expect(again.head == head && again.rest.isEmpty)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\n\r\n", ResponseHead.Framing.connection, false),
        ("HTTP/1.1 200\n\n", .connection, false),
        ("\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", .length(0), true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5, 5\r\ncontent-length: 5\r\n\r\n", .length(5), true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n", .connection, false),
        ("HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n", .connection, false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, Chunked\r\n\r\n", .chunked, true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n", .chunked, true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\ncontent-length: 5\r\n\r\n", .connection, false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nConnection: x, Close\r\n\r\n", .length(0), false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", .length(0), false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n", .length(0), true),
        ("HTTP/1.1 204 None\r\n\r\n", .none, true),
        ("HTTP/1.1 204 None\r\ncontent-length: 0\r\n\r\n", .none, true),
        // Somebody may see a body there, or what follows is no HTTP: the connection is not used again.
        ("HTTP/1.1 204 None\r\ncontent-length: 9\r\n\r\n", .none, false),
        ("HTTP/1.1 101 Switching\r\ncontent-length: 0\r\n\r\n", .length(0), false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", .chunked, false),
        ("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n", .chunked, false),
    ])
    func howTheBodyEnds(text: String, framing: ResponseHead.Framing, isKept: Bool) throws {
        let head = try #require(try read(text)).head
        #expect(head.framing == framing)
        #expect(head.isKept == isKept)
    }

    @Test(arguments: [
        "hello\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 099 \r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1200 OK\r\n\r\n", "HTTP/1. 200 OK\r\n\r\n", " HTTP/1.1 200 OK\r\n\r\n", "\r\0\r\n",
    ])
    func noStatusLine(text: String) {
        #expect(throws: ResponseHeadProblem.noStatusLine) { try read(text) }
    }

    @Test func aLineWithoutEndIsNotKept() throws {
        var reader = ResponseHeadReader()
        _ = try Array("HTTP/1.1 200 OK\r\nlocation: ".utf8).withUnsafeBytes { try reader.read($0) }
        let piece = [UInt8](repeating: 0x61, count: 1 << 20)
        for _ in 0..<7 { #expect(try piece.withUnsafeBytes { try reader.read($0) } == nil) }
        let end = try Array("\r\n\r\n".utf8).withUnsafeBytes { try reader.read($0) }
        #expect((2000...ResponseHeadReader.valueLimit).contains(end?.head.location?.count ?? 0))
        #expect(throws: ResponseHeadProblem.withoutEnd) {
            reader.begin()
            for _ in 0..<2 {
                _ = try Array("HTTP/1.1 200 OK\r\nx:".utf8 + piece).withUnsafeBytes { try reader.read($0) }
            }
        }
    }
}
