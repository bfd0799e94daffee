/// Draws the two accounts of a transfer.
struct AccountDraw: Sendable {
    /// Who pays and who is paid: two accounts of one asset.
    struct Pair: Sendable, Hashable {
        let payer: String
        let payee: String
        let asset: String
    }

    private let book: AccountBook
    private let choice: AccountChoice
    /// For each holding of the book, where the choice is Zipfian.
    private let weights: [ZipfWeights]

    /// `nil` for a book without accounts.
    ///
    /// - Parameter exponent: s of the Zipfian choice, which is the only one that looks at it.
    init?(_ choice: AccountChoice, exponent: Double, from book: AccountBook) {
        guard book.count > 0 else { return nil }
        self.book = book
        self.choice = choice
        weights =
            choice == .zipfian
            ? book.holdings.map { ZipfWeights(count: $0.accounts.count, exponent: exponent) } : []
    }

    /// The next pair; of an account's transfers one half goes out and one half comes in.
    func pair(using generator: inout some RandomNumberGenerator) -> Pair {
        let (holding, one, other) = places(using: &generator)
        let chosen = book.holdings[holding]
        let (payer, payee) = Bool.random(using: &generator) ? (one, other) : (other, one)
        return Pair(payer: chosen.accounts[payer], payee: chosen.accounts[payee], asset: chosen.asset)
    }

    private func places(
        using generator: inout some RandomNumberGenerator
    ) -> (holding: Int, one: Int, other: Int) {
        if choice == .hot, Int.random(in: 0..<10, using: &generator) > 0 {
            // The hot account is the first one of the asset with the most accounts.
            return (0, 0, Int.random(in: 1..<book.holdings[0].accounts.count, using: &generator))
        }
        let holding = holding(using: &generator)
        if choice == .zipfian {
            let one = weights[holding].place(using: &generator)
            return (holding, one, weights[holding].place(besides: one, using: &generator))
        }
        let count = book.holdings[holding].accounts.count
        let one = Int.random(in: 0..<count, using: &generator)
        return (holding, one, (one + Int.random(in: 1..<count, using: &generator)) % count)
    }

    /// Each asset as likely as its accounts are many.
    private func holding(using generator: inout some RandomNumberGenerator) -> Int {
        var place = Int.random(in: 0..<book.count, using: &generator)
        var holding = 0
        while place >= book.holdings[holding].accounts.count {
            place -= book.holdings[holding].accounts.count
            holding += 1
        }
        return holding
    }
}
