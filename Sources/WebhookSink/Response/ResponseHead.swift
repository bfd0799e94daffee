/// What matters of the head of an HTTP/1 response (RFC 9112): its status line, how its body ends, and two fields.
package struct ResponseHead: Sendable, Hashable {
    /// Where the body ends (RFC 9112, section 6.3).
    package enum Framing: Sendable, Hashable {
        /// There is none.
        case none
        case length(Int64)
        case chunked
        /// With the connection; also where the fields contradict each other.
        case connection
    }

    package var minorVersion: Int
    /// 100 to 999.
    package var status: Int
    package var framing = Framing.connection
    /// Whether the connection may be used again.
    package var isKept: Bool
    /// Visible characters and blanks; cut at ``ResponseHeadReader/valueLimit``.
    package var retryAfter: [UInt8]?
    package var location: [UInt8]?

    /// Another head follows.
    package var isInformational: Bool { (100...199).contains(status) && status != 101 }

    /// The head as any reader of HTTP takes it: with nothing in it that does not matter.
    package var bytes: [UInt8] {
        var text = "HTTP/1.\(minorVersion) \(status) \r\n"
        switch framing {
        case .none, .connection: break
        case .length(let count): text += "content-length: \(count)\r\n"
        case .chunked: text += "transfer-encoding: chunked\r\n"
        }
        text += isKept ? "connection: keep-alive\r\n" : "connection: close\r\n"
        var bytes = Array(text.utf8)
        for (name, value) in [("retry-after", retryAfter), ("location", location)] {
            guard let value else { continue }
            bytes += Array("\(name): ".utf8) + value + [0x0D, 0x0A]
        }
        return bytes + [0x0D, 0x0A]
    }
}

/// Why what came is no head of a response.
package enum ResponseHeadProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// It begins with something else than a status line of HTTP/1.
    case noStatusLine
    /// It has no end within ``ResponseHeadReader/limit``.
    case withoutEnd

    package var description: String {
        switch self {
        case .noStatusLine: "something that is not HTTP: it does not begin with a status line like HTTP/1.1 200 OK"
        case .withoutEnd: "a head that is longer than \(ResponseHeadReader.limit >> 20) MiB"
        }
    }
}
