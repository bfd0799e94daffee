/// How many rows a competing relay claims at once: no more than its sink takes well within the claim timeout, since a
/// claim that is not delivered by then is given up, and what it held is delivered again by somebody.
package struct ClaimBudget: Hashable, Sendable {
    /// The most that is ever claimed.
    private let limit: Int
    /// Milliseconds that a claim is to last at most; half of the claim timeout.
    private let span: Int64
    private(set) package var rows: Int

    package init(limit: Int, claimTimeout: Int64) {
        self.limit = max(1, limit)
        span = max(1, claimTimeout / 2)
        // Nothing is known of the sink yet, and what a claim holds too much is cut off in the middle of a request.
        rows = 1
    }

    /// Learns from a claim: `delivered` of `claimed` rows took so many milliseconds.
    package mutating func learn(claimed: Int, delivered: Int, in milliseconds: Int64) {
        guard delivered == claimed else {
            rows = max(1, min(rows, delivered == 0 ? rows / 2 : delivered))
            return
        }
        let fit = Int64(delivered) * span / max(1, milliseconds)
        rows = max(1, min(limit, Int(min(fit, Int64(rows) * 2))))
    }
}
