/// The assets of random sequences.
enum Asset: String, Hashable, Sendable, CaseIterable {
    case dollars = "USD"
    case euros = "EUR"
}

/// What an account is opened as.
struct AccountKind: Hashable, Sendable {
    var asset: Asset
    /// Whether its normal side is the debit side; otherwise the credit side.
    var isDebit: Bool
    var mayGoNegative: Bool
}

/// One leg as it is asked for.
struct Leg: Hashable, Sendable {
    /// The label of the step that opens the account. Where no such step succeeded, there is no such account.
    var account: Int
    /// As it is asked for: the account may hold another one.
    var asset: Asset
    /// In minor units, debits positive; also what the ledger does not take, such as 0.
    var amount: Int
}

/// What post_transfer and hold_transfer are asked for.
struct TransferRequest: Hashable, Sendable {
    var legs: [Leg]
    /// Makes the external id, within the sequence's book.
    var externalID: Int?
}

/// One operation of a random sequence. Others refer to what it made by its label, so that a sequence some of whose steps
/// are taken away is a sequence still: what refers to them then refers to nothing.
struct LedgerStep: Hashable, Sendable {
    enum Action: Hashable, Sendable {
        case open(AccountKind)
        case post(TransferRequest)
        case hold(TransferRequest)
        /// A part of what is held, or all of it.
        case settle(hold: Int, legs: [Leg]?)
        case release(hold: Int)
        case reverse(transfer: Int)
    }

    let label: Int
    var action: Action
}

extension LedgerStep: CustomStringConvertible {
    var description: String {
        switch action {
        case .open(let kind):
            "#\(label) open an account in \(kind.asset.rawValue), normal side \(kind.isDebit ? "debit" : "credit")"
                + (kind.mayGoNegative ? "" : ", that may not go negative")
        case .post(let request): "#\(label) post \(request)"
        case .hold(let request): "#\(label) hold \(request)"
        case .settle(let hold, nil): "#\(label) settle #\(hold)"
        case .settle(let hold, let legs?): "#\(label) settle of #\(hold) \(legs.told)"
        case .release(let hold): "#\(label) release #\(hold)"
        case .reverse(let transfer): "#\(label) reverse #\(transfer)"
        }
    }
}

extension TransferRequest: CustomStringConvertible {
    var description: String { legs.told + (externalID.map { " as external id \($0)" } ?? "") }
}

extension [Leg] {
    /// As people read them: what each account gets, or gives.
    fileprivate var told: String {
        let legs = map { "#\($0.account) \($0.amount > 0 ? "+" : "")\($0.amount) \($0.asset.rawValue)" }
        return "[\(legs.joined(separator: ", "))]"
    }
}
