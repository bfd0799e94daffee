/// A small set of event ids, 1 to 31, in one word: what an explored state is made of.
struct IDSet: Hashable, Sendable {
    private(set) var bits: UInt32 = 0

    init() {}
    init(_ ids: some Sequence<Int64>) { for id in ids { insert(id) } }
    private init(bits: UInt32) { self.bits = bits }

    var isEmpty: Bool { bits == 0 }
    var count: Int { bits.nonzeroBitCount }
    var lowest: Int64? { isEmpty ? nil : Int64(bits.trailingZeroBitCount) }
    var highest: Int64? { isEmpty ? nil : Int64(31 - bits.leadingZeroBitCount) }

    func contains(_ id: Int64) -> Bool { (0..<32).contains(id) && bits & (1 << UInt32(id)) != 0 }
    mutating func insert(_ id: Int64) { bits |= 1 << UInt32(id) }
    mutating func remove(_ id: Int64) { bits &= ~(1 << UInt32(id)) }
    mutating func formUnion(_ other: IDSet) { bits |= other.bits }
    mutating func subtract(_ other: IDSet) { bits &= ~other.bits }
    func union(_ other: IDSet) -> IDSet { IDSet(bits: bits | other.bits) }
    func subtracting(_ other: IDSet) -> IDSet { IDSet(bits: bits & ~other.bits) }
    func intersection(_ other: IDSet) -> IDSet { IDSet(bits: bits & other.bits) }

    /// The ids above `id`.
    func above(_ id: Int64) -> IDSet { id >= 31 ? IDSet() : IDSet(bits: bits & ~((2 << UInt32(max(id, 0))) - 1)) }
    /// The ids at or below `id`.
    func through(_ id: Int64) -> IDSet { subtracting(above(id)) }

    /// Ascending.
    var ids: [Int64] {
        var result: [Int64] = []
        var rest = bits
        while rest != 0 {
            result.append(Int64(rest.trailingZeroBitCount))
            rest &= rest - 1
        }
        return result
    }
}
