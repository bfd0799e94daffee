import ArgumentParser

/// How a load chooses the accounts of a transfer.
enum AccountChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    /// Every account as likely as any other.
    case uniform
    /// A few accounts often, most of them rarely: of each asset the n-th with a weight of 1 / n^s.
    case zipfian
    /// One account on one side of nine transfers in ten, as with a fee account.
    case hot
}
