extension Int64 {
    /// A number as PostgreSQL prints a `bigint`; `nil` is anything else.
    package init?(bigint text: UnsafeRawBufferPointer) {
        let isNegative = unsafe text.first == UInt8(ascii: "-")
        let digits = unsafe text.dropFirst(isNegative ? 1 : 0)
        guard unsafe !digits.isEmpty else { return nil }
        // Counted downwards, since the lowest Int64 has no positive twin.
        var value: Int64 = 0
        for index in unsafe digits.indices {
            let byte = unsafe digits[index]
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
