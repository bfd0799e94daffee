import Glibc

/// Draws places by Zipf's law: the n-th has the weight 1 / n^s, and a probability of its share in the sum of all weights.
///
/// It is looked up in a table of the weights' sums, so that probabilities are exact but for the rounding of doubles, for any
/// s, 1 included. The table has 8 bytes for each place; a draw takes a binary search.
struct ZipfWeights: Sendable {
    /// At each place the sum of the weights up to its own.
    private let sums: [Double]

    /// - Parameters:
    ///   - count: how many places, at least 2.
    ///   - exponent: s, not negative; 0 makes all alike.
    init(count: Int, exponent: Double) {
        var sum = 0.0
        sums = (1...max(count, 2)).map { number in
            sum += pow(Double(number), -exponent)
            return sum
        }
    }

    /// A place from 0 below the count.
    func place(using generator: inout some RandomNumberGenerator) -> Int {
        place(at: Double.random(in: 0..<sums[sums.count - 1], using: &generator))
    }

    /// A place other than `taken`, with the probability that it has among those that are left.
    func place(besides taken: Int, using generator: inout some RandomNumberGenerator) -> Int {
        let below = taken == 0 ? 0 : sums[taken - 1]
        let weight = sums[taken] - below
        let rest = sums[sums.count - 1] - weight
        // A large s leaves nothing that a double could hold beside the first weight.
        guard rest > 0 else { return (taken + 1) % sums.count }
        let height = Double.random(in: 0..<rest, using: &generator)
        let found = place(at: height < below ? height : height + weight)
        // Where rounding has led back to it.
        return found == taken ? (taken + 1) % sums.count : found
    }

    /// The first place whose sum lies above this height.
    private func place(at height: Double) -> Int {
        var (low, high) = (0, sums.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] > height { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
