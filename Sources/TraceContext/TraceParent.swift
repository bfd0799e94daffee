/// What the flags of a trace say (W3C Trace Context, section 3.2.2.5; level 2 adds the second).
package struct TraceFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The caller may have recorded its span, and wants what follows recorded.
    package static let sampled = TraceFlags(rawValue: 1)
    /// The trace's id is random in its last seven bytes.
    package static let random = TraceFlags(rawValue: 2)
    /// Those that have a meaning; others are set to zero on the way.
    package static let known: TraceFlags = [.sampled, .random]
}

/// A `traceparent` (W3C Trace Context, section 3.2): which trace a request belongs to, and which span made it.
package struct TraceParent: Sendable, Hashable {
    /// Bytes of one of version 00.
    private static let length = 55
    /// Bytes of one of a later version, which may be longer, at most.
    private static let lengthLimit = 256
    private static let dash = UInt8(ascii: "-")

    package var traceID: TraceID
    package var spanID: SpanID
    package var flags: TraceFlags

    package init(traceID: TraceID, spanID: SpanID, flags: TraceFlags) {
        self.traceID = traceID
        self.spanID = spanID
        self.flags = flags
    }

    /// Reads one of version 00, or as much of a later one as version 00 knows (section 4.3).
    ///
    /// - Returns: nil where it is not valid: the trace then begins anew.
    package init?(_ text: String) {
        let bytes = Array(text.utf8.prefix(Self.lengthLimit + 1))
        guard bytes.count >= Self.length, bytes.count <= Self.lengthLimit,
            bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash,
            let version = Hexadecimal.value(bytes[0..<2]), version != 0xFF,
            let high = Hexadecimal.value(bytes[3..<19]), let low = Hexadecimal.value(bytes[19..<35]),
            let traceID = TraceID(high: high, low: low),
            let span = Hexadecimal.value(bytes[36..<52]), let spanID = SpanID(span),
            let flags = Hexadecimal.value(bytes[53..<55])
        else { return nil }
        if bytes.count > Self.length {
            guard version > 0, bytes[Self.length] == Self.dash,
                bytes.allSatisfy({ (0x21...0x7E).contains($0) })
            else { return nil }
        }
        self.traceID = traceID
        self.spanID = spanID
        // What a later version means by other flags is not known.
        let known: TraceFlags = version == 0 ? .known : .sampled
        self.flags = TraceFlags(rawValue: UInt8(truncatingIfNeeded: flags)).intersection(known)
    }

    /// Version 00 of it.
    package var text: String {
        var text: [UInt8] = []
        text.reserveCapacity(Self.length)
        text += "00-".utf8
        text.append(hexadecimal: traceID.high, digits: 16)
        text.append(hexadecimal: traceID.low, digits: 16)
        text.append(Self.dash)
        text.append(hexadecimal: spanID.value, digits: 16)
        text.append(Self.dash)
        text.append(hexadecimal: UInt64(flags.rawValue), digits: 2)
        return String(decoding: text, as: UTF8.self)
    }
}
