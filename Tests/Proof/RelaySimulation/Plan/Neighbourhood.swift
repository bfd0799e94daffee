import RelayCore

/// What others do to rows that are committed. Of `total` acts, so many are of each sort.
struct Neighbourhood: Sendable {
    var updates: UInt64 = 0
    var withdrawals: UInt64 = 0
    var undoings: UInt64 = 0
    var truncations: UInt64 = 0
    /// Microseconds between two acts.
    var pause: ClosedRange<Int64> = 20_000...200_000
    /// A job deletes every row that is older than so many microseconds, delivered and settled or not.
    var cleanedUpAfter: Int64?
    /// They keep their locks until their commit is over. Off: nothing is ever locked by them.
    var holdsLocks = true

    var total: UInt64 { updates + withdrawals + undoings + truncations }
    var acts: Bool { total > 0 }

    init() {}

    init(_ dice: Dice) {
        guard dice.chance(500) else { return }
        func share() -> UInt64 { dice.chance(500) ? UInt64(dice.number(1...10)) : 0 }
        updates = share()
        withdrawals = share()
        undoings = share()
        truncations = dice.chance(200) ? 1 : 0
        let mean = dice.number(Int64(5000)...150_000)
        pause = mean / 4...mean * 2
        if dice.chance(300) { cleanedUpAfter = dice.number(Int64(20_000)...1_500_000) }
    }
}
