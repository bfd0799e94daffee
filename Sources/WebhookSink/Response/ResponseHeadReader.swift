import Glibc

/// Reads the head of a response as it comes, in bounded memory.
///
/// The status line decides what became of a request (decision 10), so nothing behind it may keep it from being read:
/// neither the number nor the length of fields, nor a folded one (RFC 9112, section 5.2), nor one that is none. Fields
/// that do not matter are passed over, byte by byte.
package struct ResponseHeadReader: Sendable {
    /// Bytes of a head, with informational ones before it.
    package static let limit = 8 << 20
    /// Bytes that are kept of a value.
    package static let valueLimit = 2 << 10
    /// Bytes that are kept of a line: more than a value and its name take.
    private static let lineLimit = 4 << 10

    private enum Field { case contentLength, transferEncoding, connection, retryAfter, location }

    private var count = 0
    /// How the current line begins, and its bytes in all.
    private var line: [UInt8] = []
    private var lineCount = 0
    private var hasStatusLine = false
    private var head = ResponseHead(minorVersion: 1, status: 0, isKept: true)
    /// The field that a folded line goes on with.
    private var field: (name: Field, value: [UInt8])?
    private var lengths: [[UInt8]] = []
    private var codings: [UInt8] = []
    private var options: [UInt8] = []

    package init() {}

    /// Begins with another head; what informational ones took counts together.
    package mutating func begin() {
        let taken = count
        self = ResponseHeadReader()
        count = taken
    }

    /// Reads on.
    ///
    /// - Returns: the head and the bytes that were taken, once it is whole; nil while it is not, and then all were taken.
    package mutating func read(
        _ bytes: UnsafeRawBufferPointer
    ) throws(ResponseHeadProblem) -> (head: ResponseHead, count: Int)? {
        var taken = 0
        while taken < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            let width = Self.lineEnd(in: rest) ?? rest.count
            line += rest.prefix(min(width, Self.lineLimit - line.count))
            lineCount += width
            if !hasStatusLine { try checkBeginning() }
            let isLine = width < rest.count
            taken += width + (isLine ? 1 : 0)
            count += width + (isLine ? 1 : 0)
            guard count <= Self.limit else { throw .withoutEnd }
            if isLine, let head = try endLine() { return (head, taken) }
        }
        return nil
    }

    /// A field that does not matter may have megabytes.
    private static func lineEnd(in bytes: UnsafeRawBufferPointer) -> Int? {
        guard let start = bytes.baseAddress, let found = memchr(start, 0x0A, bytes.count) else { return nil }
        return UnsafeRawPointer(found) - start
    }

    /// What is no HTTP is known by its first bytes; empty lines before it are those of an earlier body.
    private func checkBeginning() throws(ResponseHeadProblem) {
        let expected = Array("HTTP/1.".utf8)
        if line == [0x0D] { return }
        guard line.prefix(expected.count).elementsEqual(expected.prefix(line.count)) else { throw .noStatusLine }
    }

    /// Takes the line that ended; gives the head where that was its last.
    private mutating func endLine() throws(ResponseHeadProblem) -> ResponseHead? {
        defer {
            line.removeAll(keepingCapacity: true)
            lineCount = 0
        }
        if line.count == lineCount, line.last == 0x0D {
            line.removeLast()
            lineCount -= 1
        }
        guard hasStatusLine else {
            if !line.isEmpty { try takeStatusLine() }
            return nil
        }
        if let first = line.first {
            if first == 0x20 || first == 0x09 { fold() } else { takeField() }
            return nil
        }
        endField()
        finish()
        return head
    }

    /// `HTTP/1.1 200 OK`; the phrase may be missing, with the blank before it.
    private mutating func takeStatusLine() throws(ResponseHeadProblem) {
        let start = "HTTP/1.".utf8.count
        guard line.count >= start + 5, let minor = Self.digit(line[start]), line[start + 1] == 0x20,
            line.count == start + 5 || line[start + 5] == 0x20
        else { throw .noStatusLine }
        var status = 0
        for byte in line[(start + 2)..<(start + 5)] {
            guard let digit = Self.digit(byte) else { throw .noStatusLine }
            status = status * 10 + digit
        }
        guard status >= 100 else { throw .noStatusLine }
        hasStatusLine = true
        head.minorVersion = min(minor, 1)
        head.status = status
    }

    private static func digit(_ byte: UInt8) -> Int? {
        (0x30...0x39).contains(byte) ? Int(byte - 0x30) : nil
    }

    private mutating func takeField() {
        endField()
        guard let colon = line.firstIndex(of: 0x3A) else { return }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased().trimmingBlanks
        let known: Field
        switch name {
        case "content-length": known = .contentLength
        case "transfer-encoding": known = .transferEncoding
        case "connection": known = .connection
        case "retry-after": known = .retryAfter
        case "location": known = .location
        default: return
        }
        field = (known, Array(line[(colon + 1)...].prefix(Self.valueLimit)))
    }

    /// A folded line counts as a blank and what it holds.
    private mutating func fold() {
        guard let (name, value) = field else { return }
        field = (name, value + [0x20] + line.prefix(max(0, Self.valueLimit - value.count)))
    }

    private mutating func endField() {
        guard let (name, raw) = field else { return }
        field = nil
        let value = Self.shown(raw)
        switch name {
        case .contentLength:
            // More than two say no more than two that differ.
            if lengths.count < 2 { lengths.append(value) }
        case .transferEncoding: codings = Self.joined(codings, value)
        case .connection: options = Self.joined(options, value)
        case .retryAfter: head.retryAfter = head.retryAfter ?? value
        case .location: head.location = head.location ?? value
        }
    }

    /// Several fields of one name are one list (RFC 9110, section 5.3); of a long one the end counts.
    private static func joined(_ list: [UInt8], _ more: [UInt8]) -> [UInt8] {
        Array((list + [0x2C] + more).suffix(valueLimit))
    }

    /// Without blanks around it and without control characters.
    private static func shown(_ value: [UInt8]) -> [UInt8] {
        let visible = value.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }
        guard let first = visible.firstIndex(where: { $0 != 0x20 }), let last = visible.lastIndex(where: { $0 != 0x20 })
        else { return [] }
        return Array(visible[first...last])
    }

    private mutating func finish() {
        let options = Self.words(options)
        head.isKept = head.minorVersion == 1 ? !options.contains("close") : options.contains("keep-alive")
        head.framing = framing()
        if head.framing == .connection || isAmbiguous { head.isKept = false }
    }

    /// Whether others could see the end of the response elsewhere (RFC 9112, sections 6.1 and 6.3), or what follows is no
    /// HTTP: such a connection is not used again.
    private var isAmbiguous: Bool {
        if head.status == 101 { return true }
        if !codings.isEmpty, head.minorVersion == 0 || !lengths.isEmpty { return true }
        return head.framing == .none && !head.isInformational
            && (!codings.isEmpty || lengths.contains { $0 != [UInt8(ascii: "0")] })
    }

    private func framing() -> ResponseHead.Framing {
        let codings = Self.words(codings)
        if head.isInformational || head.status == 204 || head.status == 304 { return .none }
        if let last = codings.last { return last == "chunked" ? .chunked : .connection }
        let lengths = Set(lengths.flatMap { Self.words($0) })
        guard lengths.count == 1, let text = lengths.first, text.utf8.allSatisfy({ Self.digit($0) != nil }),
            let length = Int64(text)
        else { return .connection }
        return .length(length)
    }

    /// The members of a list, in small letters.
    private static func words(_ list: [UInt8]) -> [String] {
        list.split(separator: 0x2C).map { String(decoding: $0, as: UTF8.self).lowercased().trimmingBlanks }
            .filter { !$0.isEmpty }
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let start = drop { $0 == " " || $0 == "\t" }
        guard let end = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return String(start[...end])
    }
}
