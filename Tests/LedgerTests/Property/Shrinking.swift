/// Makes a sequence that fails as small as it can be: takes steps away, then makes those that are left simpler, as long as
/// what is left still fails.
struct Shrinking {
    /// The longest search, in sequences that are tried.
    static let mostTries = 3000

    private(set) var smallest: [LedgerStep]
    private var tries = 0

    /// - Parameter fails: tells whether a sequence still fails; it is asked of each candidate anew.
    static func shrink(
        _ steps: [LedgerStep], while fails: ([LedgerStep]) async throws -> Bool
    ) async throws -> [LedgerStep] {
        var search = Shrinking(smallest: steps)
        var isSmaller = true
        while isSmaller {
            let removed = try await search.removeSteps(fails)
            let simplified = try await search.simplifySteps(fails)
            isSmaller = removed || simplified
        }
        return search.smallest
    }

    private init(smallest: [LedgerStep]) { self.smallest = smallest }

    /// Takes the candidate if it still fails.
    private mutating func take(
        _ candidate: [LedgerStep], _ fails: ([LedgerStep]) async throws -> Bool
    ) async throws -> Bool {
        guard tries < Self.mostTries else { return false }
        tries += 1
        guard try await fails(candidate) else { return false }
        smallest = candidate
        return true
    }

    /// Delta debugging (Zeller, Hildebrandt 2002): runs of steps, from half of them down to single ones.
    private mutating func removeSteps(_ fails: ([LedgerStep]) async throws -> Bool) async throws -> Bool {
        let before = smallest.count
        var size = max(1, smallest.count / 2)
        while true {
            var start = 0
            let atSize = smallest.count
            while start < smallest.count {
                var candidate = smallest
                candidate.removeSubrange(start..<min(start + size, smallest.count))
                if try await !take(candidate, fails) { start += size }
            }
            // Of single ones, once more until none can go.
            if size > 1 { size /= 2 } else if smallest.count == atSize { return smallest.count < before }
        }
    }

    private mutating func simplifySteps(_ fails: ([LedgerStep]) async throws -> Bool) async throws -> Bool {
        var isSimpler = false
        for index in smallest.indices {
            var goesOn = true
            while goesOn {
                goesOn = false
                for simpler in smallest[index].simpler(among: smallest.map(\.label)) {
                    var candidate = smallest
                    candidate[index] = simpler
                    guard try await take(candidate, fails) else { continue }
                    (goesOn, isSimpler) = (true, true)
                    break
                }
            }
        }
        return isSimpler
    }
}

extension LedgerStep {
    /// The same step in simpler forms, the simplest ones first. None of them leads back here.
    ///
    /// - Parameter labels: the steps that it may refer to instead: an earlier one is simpler.
    func simpler(among labels: [Int]) -> [LedgerStep] {
        let actions: [Action] =
            switch action {
            case .open(let kind): kind.simpler.map { .open($0) }
            case .post(let request): request.simpler.map { .post($0) }
            case .hold(let request): request.simpler.map { .hold($0) }
            case .settle(let hold, let legs):
                (legs == nil ? [] : [.settle(hold: hold, legs: nil)])
                    + (legs?.simpler ?? []).map { .settle(hold: hold, legs: $0) }
                    + labels.filter { $0 < hold }.map { .settle(hold: $0, legs: legs) }
            case .release(let hold): labels.filter { $0 < hold }.map { .release(hold: $0) }
            case .reverse(let transfer): labels.filter { $0 < transfer }.map { .reverse(transfer: $0) }
            }
        return actions.map { LedgerStep(label: label, action: $0) }
    }
}

extension AccountKind {
    fileprivate var simpler: [AccountKind] {
        var simpler: [AccountKind] = []
        if !mayGoNegative { simpler.append(AccountKind(asset: asset, isDebit: isDebit, mayGoNegative: true)) }
        if !isDebit { simpler.append(AccountKind(asset: asset, isDebit: true, mayGoNegative: mayGoNegative)) }
        return simpler
    }
}

extension TransferRequest {
    fileprivate var simpler: [TransferRequest] {
        let unnamed = externalID == nil ? [] : [TransferRequest(legs: legs, externalID: nil)]
        return unnamed + legs.simpler.map { TransferRequest(legs: $0, externalID: externalID) }
    }
}

extension [Leg] {
    /// Fewer legs, fewer accounts, smaller amounts; what sums to zero still does.
    fileprivate var simpler: [[Leg]] { withoutAnAsset + withoutALeg + withoutAnAccount + withLess }

    private var withoutAnAsset: [[Leg]] {
        let assets = Set(map(\.asset))
        return assets.count < 2 ? [] : Asset.allCases.map { asset in filter { $0.asset != asset } }
    }

    /// A leg's amount goes to another one.
    private var withoutALeg: [[Leg]] {
        indices.flatMap { gone in
            indices.compactMap { heir in
                let (sum, overflow) = self[heir].amount.addingReportingOverflow(self[gone].amount)
                guard count > 2, gone != heir, self[gone].asset == self[heir].asset, !overflow else { return nil }
                var legs = self
                legs[heir].amount = sum
                return legs.indices.filter { $0 != gone && legs[$0].amount != 0 }.map { legs[$0] }
            }
        }
    }

    /// One account takes the place of another one in the same asset.
    private var withoutAnAccount: [[Leg]] {
        Asset.allCases.flatMap { asset in
            let accounts = Set(filter { $0.asset == asset }.map(\.account)).sorted()
            return accounts.flatMap { gone in
                accounts.filter { $0 != gone }.map { heir in
                    map { Leg(account: $0.account == gone ? heir : $0.account, asset: $0.asset, amount: $0.amount) }
                }
            }
        }
    }

    /// A debit and a credit lose the same: nearly all, half, a quarter, and so on.
    private var withLess: [[Leg]] {
        indices.flatMap { debit in
            indices.flatMap { credit -> [[Leg]] in
                guard self[debit].amount > 0, self[credit].amount < 0, self[debit].asset == self[credit].asset
                else { return [] }
                let least = Swift.min(self[debit].amount, Int(clamping: self[credit].amount.magnitude))
                var losses: [Int] = []
                var loss = least - 1
                while loss > 0 {
                    losses.append(loss)
                    loss /= 2
                }
                return losses.map { loss in
                    var legs = self
                    legs[debit].amount -= loss
                    legs[credit].amount += loss
                    return legs
                }
            }
        }
    }
}
