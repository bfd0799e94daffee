/// The states seen so far, each by a fingerprint of 64 bits, numbered in the order of their coming.
///
/// Two states of the same fingerprint would count as one: among ten million the odds are about one in a million.
package struct StateTable {
    private var fingerprints: [UInt64]
    private var numbers: [UInt32]
    private var count: UInt32 = 0
    private var mask: Int

    package init() {
        mask = (1 << 16) - 1
        fingerprints = [UInt64](repeating: 0, count: mask + 1)
        numbers = [UInt32](repeating: 0, count: mask + 1)
    }

    /// The state's number, from 0, and whether it is new.
    package mutating func insert(_ state: some Hashable) -> (number: UInt32, isNew: Bool) {
        var hasher = Hasher()
        state.hash(into: &hasher)
        let fingerprint = max(1, UInt64(bitPattern: Int64(hasher.finalize())))
        var slot = Int(truncatingIfNeeded: fingerprint) & mask
        while fingerprints[slot] != 0 {
            if fingerprints[slot] == fingerprint { return (numbers[slot], false) }
            slot = (slot + 1) & mask
        }
        fingerprints[slot] = fingerprint
        numbers[slot] = count
        count += 1
        if Int(count) * 2 > mask { grow() }
        return (count - 1, true)
    }

    private mutating func grow() {
        let (oldFingerprints, oldNumbers) = (fingerprints, numbers)
        mask = mask * 2 + 1
        fingerprints = [UInt64](repeating: 0, count: mask + 1)
        numbers = [UInt32](repeating: 0, count: mask + 1)
        for (index, fingerprint) in oldFingerprints.enumerated() where fingerprint != 0 {
            var slot = Int(truncatingIfNeeded: fingerprint) & mask
            while fingerprints[slot] != 0 { slot = (slot + 1) & mask }
            fingerprints[slot] = fingerprint
            numbers[slot] = oldNumbers[index]
        }
    }
}
