/// The ledger as its documentation has it, in a few pure functions: what each step of a sequence does to one book, or what
/// it is refused with. A step that is refused changes nothing.
struct ReferenceLedger: Sendable {
    /// What became of a step that is not refused. Transfers are numbered in the order in which they were written.
    enum Outcome: Hashable, Sendable {
        case opened
        case wrote(Int)
        /// Nothing is written: the transfer of before, under the same external id.
        case repeated(Int)
    }

    enum Kind: Hashable, Sendable, CaseIterable {
        case posted
        case reversal
        case hold
        case settlement
        case release
    }

    struct Transfer: Hashable, Sendable {
        let kind: Kind
        let entries: [ReferenceEntry]
        /// What a settlement or a release belongs to, or what a reversal reverses.
        var origin: Int?
    }

    /// A wrong prediction that is made on purpose: whoever compares must find it.
    enum Flaw: Sendable, CaseIterable {
        case holdsCanBeSpent
        case externalIDsAreForgotten
        case reversedAsOftenAsAsked
        case settlesBeyondTheHold
        case releasesWhatIsGone
    }

    let flaw: Flaw?
    private(set) var accounts: [Int: ReferenceAccount] = [:]
    private(set) var transfers: [Transfer] = []
    /// The transfers that steps made or met again, by the steps' labels.
    private(set) var made: [Int: Int] = [:]
    private var keys: [Int: (asked: LedgerStep.Action, transfer: Int)] = [:]

    init(flaw: Flaw? = nil) { self.flaw = flaw }

    /// Does a step, or tells what it is refused with.
    mutating func apply(_ step: LedgerStep) throws(Refusal) -> Outcome {
        if case .open(let kind) = step.action {
            accounts[step.label] = ReferenceAccount(kind)
            return .opened
        }
        let outcome = try write(step.action)
        if case .wrote(let transfer) = outcome { made[step.label] = transfer }
        if case .repeated(let transfer) = outcome { made[step.label] = transfer }
        return outcome
    }

    private mutating func write(_ action: LedgerStep.Action) throws(Refusal) -> Outcome {
        switch action {
        case .open: .opened
        case .post(let request): try once(action, request, .posted)
        case .hold(let request): try once(action, request, .hold)
        case .settle(let hold, let legs): try settle(hold, legs)
        case .release(let hold): try release(hold)
        case .reverse(let transfer): try reverse(transfer)
        }
    }

    private mutating func once(
        _ action: LedgerStep.Action, _ request: TransferRequest, _ kind: Kind
    ) throws(Refusal) -> Outcome {
        try Self.read(request.legs)
        if let key = request.externalID, let earlier = keys[key], flaw != .externalIDsAreForgotten {
            guard earlier.asked == action else { throw .externalIDUsed }
            return .repeated(earlier.transfer)
        }
        let effect: ReferenceEntry.Effect = kind == .hold ? .held : .settled
        let outcome = try write(Transfer(kind: kind, entries: request.legs.map { $0.entry(effect) }))
        if let key = request.externalID { keys[key] = (action, transfers.count - 1) }
        return outcome
    }

    private mutating func settle(_ label: Int, _ legs: [Leg]?) throws(Refusal) -> Outcome {
        let hold = try hold(label)
        let held = stillHeld(hold)
        if let legs { try Self.read(legs) }
        guard !held.isEmpty else { throw .nothingHeld }
        let settled = legs ?? held
        let asked = Dictionary(grouping: settled, by: Side.init)
        let within = asked.allSatisfy { side, legs in
            let most = held.first { Side($0) == side }?.amount.magnitude ?? 0
            return legs.reduce(0) { $0 + Int128($1.amount) }.magnitude <= UInt128(most)
        }
        guard within || flaw == .settlesBeyondTheHold else { throw .beyondHold }
        let freed = settled.map { $0.entry(.freed, opposite: true) }
        return try write(
            Transfer(kind: .settlement, entries: freed + settled.map { $0.entry(.settled) }, origin: hold))
    }

    private mutating func release(_ label: Int) throws(Refusal) -> Outcome {
        let hold = try hold(label)
        let held = stillHeld(hold)
        guard !held.isEmpty || flaw == .releasesWhatIsGone else { throw .nothingHeld }
        return try write(
            Transfer(kind: .release, entries: held.map { $0.entry(.freed, opposite: true) }, origin: hold))
    }

    private mutating func reverse(_ label: Int) throws(Refusal) -> Outcome {
        guard let original = made[label] else { throw .unknownTransfer }
        guard ![.hold, .release].contains(transfers[original].kind) else { throw .nothingSettled }
        guard
            !transfers.contains(where: { $0.kind == .reversal && $0.origin == original })
                || flaw == .reversedAsOftenAsAsked
        else { throw .alreadyReversed }
        let opposite = transfers[original].entries.filter { $0.effect == .settled }.map {
            ReferenceEntry(account: $0.account, asset: $0.asset, amount: -$0.amount, effect: .settled)
        }
        return try write(Transfer(kind: .reversal, entries: opposite, origin: original))
    }

    private func hold(_ label: Int) throws(Refusal) -> Int {
        guard let transfer = made[label] else { throw .unknownTransfer }
        guard transfers[transfer].kind == .hold else { throw .notAHold }
        return transfer
    }

    /// What of a hold is still held: for each account the debits and the credits, in the order of the hold's legs.
    func stillHeld(_ hold: Int) -> [Leg] {
        let freed = transfers.filter { $0.origin == hold && $0.kind != .reversal }.flatMap(\.entries)
            .filter { $0.effect == .freed }.map { Leg(account: $0.account, asset: $0.asset, amount: -$0.amount) }
        var held: [Leg] = []
        for entry in transfers[hold].entries {
            let leg = Leg(account: entry.account, asset: entry.asset, amount: entry.amount)
            if let same = held.firstIndex(where: { Side($0) == Side(leg) }) {
                held[same].amount += leg.amount
            } else {
                held.append(leg)
            }
        }
        return held.compactMap { leg in
            var leg = leg
            leg.amount -= freed.filter { Side($0) == Side(leg) }.reduce(0) { $0 + $1.amount }
            return leg.amount == 0 ? nil : leg
        }
    }

    /// Where every book is written: all of a transfer, or nothing.
    private mutating func write(_ transfer: Transfer) throws(Refusal) -> Outcome {
        let sums = Dictionary(grouping: transfer.entries) { [$0.asset.rawValue, "\($0.effect)"] }
        guard sums.values.allSatisfy({ $0.reduce(0) { $0 + Int128($1.amount) } == 0 }) else { throw .unbalanced }
        for entry in transfer.entries {
            guard let account = accounts[entry.account] else { throw .unknownAccount }
            guard account.kind.asset == entry.asset else { throw .assetMismatch }
        }
        var carried = accounts
        for entry in transfer.entries {
            guard var account = carried[entry.account] else { throw .unknownAccount }
            try account.carry(entry, minding: flaw != .holdsCanBeSpent)
            carried[entry.account] = account
        }
        accounts = carried
        transfers.append(transfer)
        return .wrote(transfers.count - 1)
    }

    /// What is refused of legs by themselves.
    private static func read(_ legs: [Leg]) throws(Refusal) {
        guard legs.count > 1, legs.allSatisfy({ $0.amount != 0 && $0.amount != .min }) else { throw .badLegs }
    }
}

/// The debits of an account, or its credits.
private struct Side: Hashable {
    let account: Int
    let asset: Asset
    let isDebit: Bool

    init(_ leg: Leg) { (account, asset, isDebit) = (leg.account, leg.asset, leg.amount > 0) }
}

extension Leg {
    fileprivate func entry(_ effect: ReferenceEntry.Effect, opposite: Bool = false) -> ReferenceEntry {
        ReferenceEntry(account: account, asset: asset, amount: opposite ? -amount : amount, effect: effect)
    }
}
