import Libpq

/// What is compared.
extension SequenceRun {
    mutating func observe(
        _ step: LedgerStep, wrote expected: Result<ReferenceLedger.Outcome, Refusal>
    ) async throws {
        let before = observed
        observed = try await balances()
        let foreseen = model.accounts.mapValues { Observation(balance: $0.balance, version: $0.version) }
        for label in model.accounts.keys.sorted() where observed[label] != foreseen[label] {
            throw Divergence(
                step: step,
                what: "account #\(label) has \(Self.told(observed[label])), the model says "
                    + "\(Self.told(foreseen[label]))")
        }
        guard case .success(.wrote(let transfer)) = expected else { return }
        changes.append(
            observed.reduce(into: [:]) { changes, one in
                changes[one.key] = before[one.key].map { one.value.balance - $0.balance }
            })
        try checkRestored(by: transfer, step)
    }

    private static func told(_ observation: Observation?) -> String {
        observation.map { "\($0.balance) at version \($0.version)" } ?? "none"
    }

    /// Independently of what the model says of balances: a reversal takes back what its transfer did, and of a hold nothing
    /// is left once it is over but what settled.
    private func checkRestored(by transfer: Int, _ step: LedgerStep) throws(Divergence) {
        let written = model.transfers[transfer]
        guard let origin = written.origin else { return }
        if written.kind == .reversal {
            let isWhole = model.transfers[origin].kind != .settlement
            for (label, change) in changes[transfer] {
                guard let first = changes[origin][label] else { continue }
                let sum = first + change
                guard sum.settled == 0, sum == .zero || !isWhole else {
                    throw Divergence(step: step, what: "the reversal leaves account #\(label) with \(sum)")
                }
            }
        } else if model.stillHeld(origin).isEmpty {
            let steps = model.transfers.indices.filter {
                $0 == origin || model.transfers[$0].kind != .reversal && model.transfers[$0].origin == origin
            }
            for label in accounts.keys where steps.allSatisfy({ changes[$0][label] != nil }) {
                let sum = steps.compactMap { changes[$0][label] }.reduce(.zero, +)
                guard sum.pending == sum.settled, sum.available == sum.settled else {
                    throw Divergence(step: step, what: "the hold is over and leaves account #\(label) with \(sum)")
                }
            }
        }
    }

    /// Of each asset the entries sum to zero, and each step that wrote has its event.
    func checkBook() async throws {
        let sums = try await connection.query(
            """
            SELECT a.asset, sum(e.amount) FROM accounts a JOIN entries e ON e.account_id = a.id
            WHERE a.book = $1 GROUP BY a.asset, e.effect = 'settled' HAVING sum(e.amount) <> 0
            """, [.text(book)], prepares: true)
        guard sums.rowCount == 0 else {
            let (asset, sum) = (sums.string(0, 0) ?? "", sums.string(0, 1) ?? "")
            throw Divergence(step: nil, what: "the entries in \(asset) sum to \(sum)")
        }
        // An event of a book is one whose first leg is of the book.
        let events = try await connection.query(
            """
            SELECT count(*) FROM accounts a JOIN outbox o ON o.payload #>> '{legs,0,account_id}' = a.id::text
            WHERE a.book = $1
            """, [.text(book)], prepares: true)
        guard events.int(0, 0) == Int64(model.transfers.count) else {
            let count = events.int(0, 0) ?? 0
            throw Divergence(step: nil, what: "\(model.transfers.count) steps wrote, and there are \(count) events")
        }
    }
}
