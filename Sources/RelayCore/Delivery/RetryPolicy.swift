/// How long a lane waits after an outage: exponential with full jitter, capped.
///
/// The wait after the `n`-th failure in a row is drawn evenly from `0 ... min(maximum, base * 2^(n-1))`
/// (Exponential Backoff And Jitter, "full jitter"), so that many lanes that failed together do not return together.
package struct RetryPolicy: Hashable, Sendable {
    /// Milliseconds, at least 0.
    package var base: Int64
    /// Milliseconds, at least `base`.
    package var maximum: Int64

    package init(base: Int64 = 100, maximum: Int64 = 30_000) {
        self.base = base
        self.maximum = maximum
    }

    /// - Parameters:
    ///   - attempt: how many attempts failed in a row, from 1.
    ///   - draw: a random number; every value is allowed.
    /// - Returns: milliseconds.
    package func delay(attempt: Int, draw: UInt64) -> Int64 {
        var ceiling = base
        for _ in 1..<max(1, min(attempt, 40)) where ceiling < maximum { ceiling *= 2 }
        ceiling = min(ceiling, maximum)
        return ceiling <= 0 ? 0 : Int64(draw % UInt64(ceiling + 1))
    }

    /// The same, with a random number drawn where one is needed, and not below what the far side asked for.
    func pause(attempt: Int, after asked: Duration?, _ random: inout SplitMix) -> Int64 {
        let delay = maximum == 0 ? 0 : delay(attempt: attempt, draw: random.next())
        return max(delay, asked?.pauseMilliseconds ?? 0)
    }
}

extension Duration {
    /// As a pause, in milliseconds: at least 0; what is longer than a day counts as a day.
    var pauseMilliseconds: Int64 { min(max(milliseconds, 0), 86_400_000) }
}
