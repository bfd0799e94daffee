import NIOCore
import NIOEmbedded
import NIOHTTP1
import RelayCore
import WebhookSink

extension FuzzTarget {
    private static let secret = "whsec_MfKQ9r8GKYqr/TwjUPD8ILPZIo2LaLaSw"

    /// What a receiver sends, through the pipeline of a real connection: the size of its pieces, then the bytes. The
    /// status line decides, whatever follows it.
    static let answer = FuzzTarget("answer", longest: 3000) { input throws(BrokenPromise) in
        let bytes = Array(input.dropFirst())
        let outcome = try outcome(on: bytes, by: 1 + Int(input.first ?? 0) * 8)
        let status = wholeHead(bytes)
        switch outcome {
        case .delivered:
            try promise(status.map { (200...299).contains($0) } ?? true, "\(status ?? 0) counts as delivered")
            return true
        case .retry(let after, let reason):
            try promise(after.map { $0 >= .zero && $0 <= .seconds(3600) } ?? true, "a wait beyond the hour")
            try check(reason, status)
            return true
        case .rejected(let reason), .blocked(let reason), .closed(let reason):
            try check(reason, status)
            return true
        case nil:
            try promise(status == nil, "a whole head with the status \(status ?? 0) came to nothing")
            return false
        }
    }

    private static func check(_ reason: String, _ status: Int?) throws(BrokenPromise) {
        try promiseOneLine(reason)
        try promise(!reason.contains(secret.prefix(12)), "the reason shows a secret")
        try promise(status.map { !(200...299).contains($0) } ?? true, "\(status ?? 0) does not count as delivered")
    }

    /// What the answer comes to; nil where there is none.
    private static func outcome(on bytes: [UInt8], by size: Int) throws(BrokenPromise) -> DeliveryOutcome? {
        let channel = EmbeddedChannel()
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.pipeline.syncOperations.addHandlers([
                HTTPRequestEncoder(),
                ByteToMessageHandler(HTTPResponseDecoder(informationalResponseStrategy: .forward)),
            ])
            try RequestHandler.installNow(absoluteTarget: nil, in: channel)
            let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/", headers: ["content-length": "0"])
            try channel.writeOutbound(HTTPClientRequestPart.head(head))
            try channel.writeOutbound(HTTPClientRequestPart.end(nil))
        } catch {
            throw BrokenPromise("the pipeline does not stand: \(error)")
        }
        for start in stride(from: 0, to: bytes.count, by: size) {
            // Behind the head anything may be wrong.
            do { try channel.writeInbound(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)])) } catch {
                break
            }
        }
        var answer: HTTPResponseHead?
        var body: [UInt8] = []
        while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head): answer = answer ?? head
            case .body(let piece): body += piece.readableBytesView
            case .end: break
            }
        }
        guard let answer else { return nil }
        return Answer(status: answer.status, headers: answer.headers, beginning: body, hiding: [secret])
            .outcome(receiver: "https://example.com", now: { 1_795_212_990 })
    }

    /// The status of a head that is plainly whole, read by other means: a status line at the very beginning, and an
    /// empty line behind it.
    private static func wholeHead(_ bytes: [UInt8]) -> Int? {
        let start = Array("HTTP/1.1 ".utf8)
        guard bytes.starts(with: start), let lineEnd = bytes.firstIndex(of: 0x0A) else { return nil }
        guard bytes[start.count..<lineEnd].last == 0x0D else { return nil }
        let line = bytes[start.count..<lineEnd].dropLast()
        let digits = String(decoding: line.prefix(3), as: UTF8.self)
        // A return in the middle is no end of a line.
        guard !line.contains(0x0D), line.count == 3 || line.dropFirst(3).first == 0x20,
            let status = Int(digits), (200...999).contains(status)
        else { return nil }
        let empty: [[UInt8]] = [[0x0A, 0x0A], [0x0A, 0x0D, 0x0A]]
        return empty.contains { bytes[lineEnd...].firstRange(of: $0) != nil } ? status : nil
    }
}
