/// Folds what happened into a number: FNV-1a, 64 bits (Fowler, Noll, Vo; a byte at a time).
package struct Digest: Hashable, Sendable {
    package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    package init() {}

    package mutating func fold(_ text: String) { for byte in text.utf8 { fold(byte) } }

    package mutating func fold(_ number: UInt64) {
        for place in 0..<8 { fold(UInt8(truncatingIfNeeded: number >> (8 * UInt64(place)))) }
    }

    private mutating func fold(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }
}
