/// One transfer of a load, before it is posted.
struct LoadTransfer: Sendable {
    let accounts: AccountDraw.Pair
    /// In minor units, above 0.
    let amount: Int64
    /// Tells it from all others.
    let name: String
    let ending: Ending

    /// What becomes of it after `post_transfer`.
    enum Ending: Sendable {
        case commit
        /// After the transaction has stayed open for so long.
        case commitLate(Duration)
        case rollBack
    }
}
