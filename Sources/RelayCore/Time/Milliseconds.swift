extension Duration {
    /// Whole milliseconds, the rest cut off; the farthest that `Int64` has where they are more.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, isTooMuch) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
        return isTooMuch ? (seconds < 0 ? .min : .max) : sum
    }
}
