/// What happened, in order: folded into a number by which two runs are compared, and kept as text where somebody reads it.
final class Trace: @unchecked Sendable {
    private(set) var digest = Digest()
    private(set) var lines: [String] = []
    /// Whether the lines are kept.
    let isKept: Bool

    init(isKept: Bool) {
        self.isKept = isKept
    }

    /// - Parameter time: microseconds since the simulation began.
    func add(_ time: Int64, _ text: String) {
        digest.fold(UInt64(truncatingIfNeeded: time))
        digest.fold(text)
        guard isKept else { return }
        let milliseconds = time / 1000
        let rest = String(time % 1000)
        lines.append("\(milliseconds).\(String(repeating: "0", count: 3 - rest.count))\(rest) \(text)")
    }
}
