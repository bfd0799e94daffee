/// What happened, in order: folded into a number by which two runs are compared, and kept as text where somebody reads it.
final class Trace: @unchecked Sendable {
    /// FNV-1a, 64 bits.
    private(set) var digest: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var lines: [String] = []
    /// Whether text is kept; otherwise none is made.
    let isKept: Bool

    init(isKept: Bool) {
        self.isKept = isKept
    }

    func fold(_ value: UInt64) {
        digest = (digest ^ value) &* 0x100_0000_01B3
    }

    /// - Parameter time: microseconds since the simulation began.
    func add(_ time: Int64, _ text: @autoclosure () -> String) {
        fold(UInt64(truncatingIfNeeded: time))
        guard isKept else { return }
        let milliseconds = time / 1000
        let rest = String(time % 1000)
        lines.append("\(milliseconds).\(String(repeating: "0", count: 3 - rest.count))\(rest) \(text())")
    }
}
