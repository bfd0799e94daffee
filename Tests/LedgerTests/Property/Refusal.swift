/// What the ledger refuses a call with: the SQLSTATE, and what is named as the constraint, where something is.
struct Refusal: Error, Hashable, CustomStringConvertible {
    let sqlState: String
    let constraint: String?

    init(_ sqlState: String, _ constraint: String? = nil) { (self.sqlState, self.constraint) = (sqlState, constraint) }

    /// Legs that are none: too few, no amount, an amount whose opposite is no bigint.
    static let badLegs = Refusal("22023")
    static let unbalanced = Refusal("22023", "unbalanced")
    static let beyondHold = Refusal("22023", "beyond_hold")
    static let unknownAccount = Refusal("23503", "unknown_account")
    static let assetMismatch = Refusal("23503", "asset_mismatch")
    static let negative = Refusal("23514", "accounts_may_go_negative")
    static let outOfRange = Refusal("22003")
    static let externalIDUsed = Refusal("23505", "external_id_used")
    static let alreadyReversed = Refusal("23505", "already_reversed")
    static let unknownTransfer = Refusal("P0002", "unknown_transfer")
    static let nothingSettled = Refusal("55000", "nothing_settled")
    static let notAHold = Refusal("55000", "not_a_hold")
    static let nothingHeld = Refusal("55000", "nothing_held")

    var description: String { "SQLSTATE \(sqlState)" + (constraint.map { " (\($0))" } ?? "") }
}
