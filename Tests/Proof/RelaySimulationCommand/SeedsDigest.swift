import Glibc
import RelaySimulation

/// What came of several seeds, as one number: the sum of theirs, so that it does not matter in which order they ran.
struct SeedsDigest: Hashable, Sendable, CustomStringConvertible {
    private var sum: UInt64 = 0

    mutating func add(_ outcome: Simulation.Outcome) {
        var digest = Digest()
        digest.fold(outcome.seed)
        digest.fold(outcome.digest)
        digest.fold(outcome.finding ?? "")
        sum &+= digest.value
    }

    mutating func add(_ other: SeedsDigest) { sum &+= other.sum }

    var description: String {
        let digits = String(sum, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    // MARK: - Between processes

    func write(to descriptor: Int32) {
        let digits = Array(description.utf8)
        _ = digits.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    /// Nil where the other end wrote none.
    static func read(from descriptor: Int32) -> SeedsDigest? {
        var digits = [UInt8](repeating: 0, count: 16)
        let count = digits.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
        guard count == 16, let sum = UInt64(String(decoding: digits, as: UTF8.self), radix: 16) else { return nil }
        var result = SeedsDigest()
        result.sum = sum
        return result
    }
}
