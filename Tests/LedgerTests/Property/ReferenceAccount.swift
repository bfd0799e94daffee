/// An entry of a transfer.
struct ReferenceEntry: Hashable, Sendable {
    enum Effect: Hashable, Sendable {
        case settled
        case held
        case freed
    }

    let account: Int
    let asset: Asset
    let amount: Int
    let effect: Effect
}

/// What account_balance() tells of an account, or how much that has changed.
struct Balance: Hashable, Sendable, AdditiveArithmetic, CustomStringConvertible {
    var settled: Int128
    var pending: Int128
    var available: Int128

    static let zero = Balance(settled: 0, pending: 0, available: 0)

    static func + (left: Balance, right: Balance) -> Balance {
        Balance(
            settled: left.settled + right.settled, pending: left.pending + right.pending,
            available: left.available + right.available)
    }

    static func - (left: Balance, right: Balance) -> Balance {
        Balance(
            settled: left.settled - right.settled, pending: left.pending - right.pending,
            available: left.available - right.available)
    }

    var description: String { "settled \(settled), pending \(pending), available \(available)" }
}

/// An account as the model has it: what its latest entry carries, each number a bigint.
struct ReferenceAccount: Hashable, Sendable {
    let kind: AccountKind
    var version = 0
    private var settled = 0
    private var heldDebits = 0
    private var heldCredits = 0

    init(_ kind: AccountKind) { self.kind = kind }

    /// What account_balance() tells, in the direction of the normal side.
    var balance: Balance {
        let side: Int128 = kind.isDebit ? 1 : -1
        return Balance(
            settled: side * Int128(settled),
            pending: side * (Int128(settled) + Int128(heldDebits) - Int128(heldCredits)),
            available: side * Int128(settled) - Int128(kind.isDebit ? heldCredits : heldDebits))
    }

    /// Takes an entry.
    ///
    /// - Parameter minding: whether what is held counts where the account may not go negative.
    mutating func carry(_ entry: ReferenceEntry, minding holds: Bool = true) throws(Refusal) {
        let before = free(minding: holds)
        if entry.effect == .settled {
            settled = try Self.sum(settled, entry.amount)
        } else if (entry.effect == .held) == (entry.amount > 0) {
            // A debit is held, or one that was is freed by a credit.
            heldDebits = try Self.sum(heldDebits, entry.amount)
        } else {
            heldCredits = try Self.sum(heldCredits, -entry.amount)
        }
        guard Int128(settled) + Int128(heldDebits) <= Int128(Int.max),
            Int128(settled) - Int128(heldCredits) >= -Int128(Int.max)
        else { throw .outOfRange }
        version += 1
        let after = free(minding: holds)
        if !kind.mayGoNegative, after < 0, after < before { throw .negative }
    }

    private func free(minding holds: Bool) -> Int128 { holds ? balance.available : balance.settled }

    private static func sum(_ one: Int, _ other: Int) throws(Refusal) -> Int {
        let (sum, overflow) = one.addingReportingOverflow(other)
        if overflow { throw .outOfRange }
        return sum
    }
}
