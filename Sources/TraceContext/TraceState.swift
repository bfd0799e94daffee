/// A `tracestate` (W3C Trace Context, section 3.3): what tracing systems tell each other along a trace. It is passed on
/// as it came, but for blanks, empty members and what is too long.
package struct TraceState: Sendable, Hashable {
    /// Bytes that are looked at.
    static let inputLimit = 8 << 10
    /// Bytes that are passed on (section 3.3.1.5).
    private static let limit = 512
    /// Members of more bytes go first where there are too many bytes.
    private static let longMember = 128
    private static let memberLimit = 32
    private static let comma = UInt8(ascii: ",")

    /// The members, separated by commas: at least one.
    package let text: String

    /// - Returns: nil where it is empty or not valid; the trace goes on without it.
    package init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(Self.inputLimit + 1))
        guard bytes.count <= Self.inputLimit else { return nil }
        var members: [ArraySlice<UInt8>] = []
        for part in bytes.split(separator: Self.comma) {
            let member = Self.withoutBlanks(part)
            if member.isEmpty { continue }
            guard Self.isMember(member) else { return nil }
            members.append(member)
        }
        guard members.count <= Self.memberLimit else { return nil }
        Self.shorten(&members)
        guard !members.isEmpty else { return nil }
        self.text = String(decoding: Array(members.joined(separator: [Self.comma])), as: UTF8.self)
    }

    /// Takes members away until the rest fits: long ones first, then those at the end.
    private static func shorten(_ members: inout [ArraySlice<UInt8>]) {
        var width = members.reduce(-1) { $0 + $1.count + 1 }
        while width > limit, !members.isEmpty {
            let place = members.lastIndex { $0.count > longMember } ?? members.count - 1
            width -= members.remove(at: place).count + 1
        }
    }

    private static func withoutBlanks(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        var part = part.drop(while: isBlank)
        while let last = part.last, isBlank(last) { part = part.dropLast() }
        return part
    }

    private static func isMember(_ member: ArraySlice<UInt8>) -> Bool {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")) else { return false }
        let (key, value) = (member[..<equals], member[(equals + 1)...])
        return isKey(key) && (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "=") }
    }

    /// `name` or `tenant@system`.
    private static func isKey(_ key: ArraySlice<UInt8>) -> Bool {
        guard (1...256).contains(key.count), let first = key.first, isLetterOrDigit(first) else { return false }
        var parts = 1
        for byte in key where !isLetterOrDigit(byte) {
            switch byte {
            case UInt8(ascii: "@"): parts += 1
            case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/"): break
            default: return false
            }
        }
        return parts <= 2 && key.last != UInt8(ascii: "@")
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
