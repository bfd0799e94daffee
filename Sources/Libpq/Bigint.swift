extension Int64 {
    /// A number as PostgreSQL prints a `bigint`; `nil` is anything else.
    package init?(bigint text: UnsafeRawBufferPointer) {
        let isNegative = unsafe text.first == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard text.count > start else { return nil }
        // Counted downwards, since the lowest Int64 has no positive twin.
        var value: Int64 = 0
        for place in start..<text.count {
            let byte = unsafe text[place]
            guard (0x30...0x39).contains(byte) else { return nil }
            let (tens, overTens) = value.multipliedReportingOverflow(by: 10)
            let (next, overNext) = tens.subtractingReportingOverflow(Int64(byte - 0x30))
            guard !overTens, !overNext else { return nil }
            value = next
        }
        guard isNegative || value != .min else { return nil }
        self = isNegative ? value : -value
    }
}
