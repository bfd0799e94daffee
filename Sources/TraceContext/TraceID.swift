/// The id of a trace: 16 bytes, not all of them zero (W3C Trace Context, section 3.2.2.3).
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// Nil where all is zero.
    package init?(high: UInt64, low: UInt64) {
        guard high | low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> TraceID {
        while true {
            let (high, low): (UInt64, UInt64) = (generator.next(), generator.next())
            if let id = TraceID(high: high, low: low) { return id }
        }
    }

    /// 32 hexadecimal digits.
    package var description: String {
        var text: [UInt8] = []
        text.append(hexadecimal: high, digits: 16)
        text.append(hexadecimal: low, digits: 16)
        return String(decoding: text, as: UTF8.self)
    }
}

/// The id of a span: 8 bytes, not all of them zero (section 3.2.2.4, where it is called the parent's).
package struct SpanID: Sendable, Hashable, CustomStringConvertible {
    package let value: UInt64

    /// Nil where all is zero.
    package init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    package static func random(using generator: inout some RandomNumberGenerator) -> SpanID {
        while true {
            let value: UInt64 = generator.next()
            if let id = SpanID(value) { return id }
        }
    }

    /// 16 hexadecimal digits.
    package var description: String {
        var text: [UInt8] = []
        text.append(hexadecimal: value, digits: 16)
        return String(decoding: text, as: UTF8.self)
    }
}
