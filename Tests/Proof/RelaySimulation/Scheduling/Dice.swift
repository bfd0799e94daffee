import RelayCore

/// The random numbers of one part of a simulation, by its seed.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Dice: @unchecked Sendable {
    private var random: SplitMix

    init(seed: UInt64) {
        random = SplitMix(state: seed)
    }

    /// Dice of their own for another part.
    func split() -> Dice { Dice(seed: random.next()) }

    func seed() -> UInt64 { random.next() }

    /// True so many times in a thousand.
    func chance(_ perMille: UInt64) -> Bool { random.next() % 1000 < perMille }

    func number(_ range: ClosedRange<Int64>) -> Int64 {
        range.lowerBound + Int64(random.next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    func number(_ range: ClosedRange<UInt64>) -> UInt64 {
        range.lowerBound + random.next() % (range.upperBound - range.lowerBound + 1)
    }

    func number(_ range: ClosedRange<Int>) -> Int {
        Int(number(Int64(range.lowerBound)...Int64(range.upperBound)))
    }

    func one<Element>(of elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[number(0...elements.count - 1)]
    }
}
