import Libpq

/// What a load does.
struct LoadPlan: Sendable {
    /// Transfers a second.
    let rate: Double
    /// How long.
    let duration: Duration
    /// The share that rolls back, from 0 to 1.
    let rollbacks: Double
    /// The share that commits late, from 0 to 1.
    let late: Double
    let choice: AccountChoice
    let accounts: AccountBook

    /// What becomes of one transfer after `post_transfer`.
    enum Ending: Sendable {
        case commit
        /// After the transaction has stayed open for so long.
        case commitLate(Duration)
        case rollBack
    }

    func ending() -> Ending {
        let draw = Double.random(in: 0..<1)
        if draw < rollbacks { return .rollBack }
        return draw < rollbacks + late ? .commitLate(.milliseconds(Int.random(in: 100...1000))) : .commit
    }

    /// The parameters of `statement` for one transfer.
    func transfer() -> [Parameter] {
        // As likely as the accounts that hold it.
        var place = Int.random(in: 0..<accounts.count)
        let holding = accounts.holdings.first { holding in
            place -= holding.accounts.count
            return place < 0
        }
        guard let holding else { return [] }
        let (payer, payee) = choice.pair(below: holding.accounts.count)
        return [
            .text(holding.accounts[payer]), .text(holding.accounts[payee]), .text(holding.asset),
            .int(Int64.random(in: 1...100_000)), .text("load-\(UInt64.random(in: 0 ... .max))"),
        ]
    }

    /// Posts a transfer from `$1` to `$2`, of `$4` minor units of `$3`, under the external id `$5`.
    static let statement: SQLText = """
        SELECT post_transfer(
          jsonb_build_array(
            jsonb_build_object('account_id', $1::uuid, 'asset', $3::text, 'amount', -$4::bigint),
            jsonb_build_object('account_id', $2::uuid, 'asset', $3::text, 'amount', $4::bigint)),
          external_id => $5::text, correlation_id => 'corr-' || $5::text, description => 'ledger load')
        """
}
