/// What a load posts.
struct LoadPlan: Sendable {
    /// The share that rolls back, from 0 to 1.
    let rollbacks: Double
    /// The share that commits late, from 0 to 1; both together at most 1.
    let late: Double
    let accounts: AccountDraw

    /// The next transfer.
    func transfer() -> LoadTransfer {
        var generator = SystemRandomNumberGenerator()
        return LoadTransfer(
            accounts: accounts.pair(using: &generator), amount: Int64.random(in: 1...100_000),
            name: "load-\(UInt64.random(in: 0 ... .max))", ending: ending())
    }

    private func ending() -> LoadTransfer.Ending {
        let draw = Double.random(in: 0..<1)
        if draw < rollbacks { return .rollBack }
        return draw < rollbacks + late ? .commitLate(.milliseconds(Int.random(in: 100...1000))) : .commit
    }
}
