import LedgerCore
import Libpq

/// What a client asks to see: a statement that gives one JSON document, and its values.
struct Question: Sendable {
    let statement: SQLText
    let values: [Parameter]
    /// What is said where the document is NULL.
    let absence: Problem

    private init(
        _ statement: SQLText, _ values: [Parameter] = [],
        absence: Problem = Problem(.internalError, "The database gave no answer.")
    ) {
        self.statement = statement
        self.values = values
        self.absence = absence
    }

    static let health = Question("SELECT '{\"status\":\"ok\"}'")

    static func transfer(_ id: String, _ query: String?) throws(Problem) -> Question {
        try Query(query).end()
        let id = try LedgerRequest.uuid(id, "The transfer's id")
        return Question(
            "SELECT ledger_show_transfer($1::uuid)", [.text(id)],
            absence: Problem(.unknownTransfer, "There is no transfer \(id)."))
    }

    static func account(_ id: String, _ query: String?) throws(Problem) -> Question {
        try Query(query).end()
        let id = try LedgerRequest.uuid(id, "The account's id")
        return Question(
            "SELECT ledger_show_account($1::uuid)", [.text(id)],
            absence: Problem(.unknownAccount, status: 404, "There is no account \(id)."))
    }

    static func transfers(_ query: String?) throws(Problem) -> Question {
        var query = try Query(query)
        let (external, hold, account) = (
            query.text("external_id"), try query.uuid("hold"), try query.uuid("account_id")
        )
        guard [external, hold, account].count(where: { $0 != nil }) == 1 else {
            throw Problem(.invalidParameter, "One of `external_id`, `hold` and `account_id` says which transfers.")
        }
        let (behind, limit) = (try query.number("behind", 1...Int64.max), try query.number("limit", 1...100) ?? 100)
        try query.end()
        guard external == nil || behind == nil else {
            throw Problem(.invalidParameter, "Under an external id there is one transfer, and nothing `behind` it.")
        }
        return Question(
            "SELECT ledger_list_transfers($1, $2::uuid, $3::uuid, $4::bigint, $5::integer)",
            [.optional(external), .optional(hold), .optional(account), behind.map { .int($0) } ?? .null, .int(limit)])
    }

    static func balance(_ id: String, _ query: String?) throws(Problem) -> Question {
        let id = try LedgerRequest.uuid(id, "The account's id")
        var query = try Query(query)
        let moment = try query.moment()
        try query.end()
        return Question("SELECT ledger_show_balance($1::uuid, $2::timestamptz, $3::boolean)", [.text(id)] + moment)
    }

    static func balances(_ query: String?) throws(Problem) -> Question {
        var query = try Query(query)
        let values = try query.scope()
        let (behind, limit) = (query.text("behind") ?? "", try query.number("limit", 1...1000) ?? 100)
        try query.end()
        return Question(
            "SELECT ledger_list_balances($1, $2::timestamptz, $3::boolean, $4, $5::jsonb, $6, $7::integer)",
            values + [.text(behind), .int(limit)])
    }

    static func sums(_ query: String?) throws(Problem) -> Question {
        var query = try Query(query)
        let values = try query.scope()
        try query.end()
        return Question("SELECT ledger_list_sums($1, $2::timestamptz, $3::boolean, $4, $5::jsonb)", values)
    }

    static func trialBalance(_ query: String?) throws(Problem) -> Question {
        var query = try Query(query)
        let values = try query.moment() + [.text(query.text("book") ?? "main"), .text(query.text("behind") ?? "")]
        let limit = try query.number("limit", 1...10_000) ?? 1000
        try query.end()
        return Question(
            "SELECT ledger_show_trial_balance($1::timestamptz, $2::boolean, $3, $4, $5::integer)",
            values + [.int(limit)])
    }
}

extension Parameter {
    fileprivate static func optional(_ text: String?) -> Parameter { text.map { .text($0) } ?? .null }
}

extension Query {
    /// `as_of` and `by`: a moment, by the time of posting or by effective date.
    fileprivate mutating func moment() throws(Problem) -> [Parameter] {
        let by = text("by") ?? "posting"
        guard ["posting", "effective"].contains(by) else {
            throw Problem(.invalidParameter, "`by` is neither posting nor effective.")
        }
        // The settled entries that count by now need a moment, and what is pending has none.
        return [.optional(try time("as_of") ?? (by == "effective" ? "now" : nil)), .bool(by == "effective")]
    }

    /// Which accounts, and when.
    fileprivate mutating func scope() throws(Problem) -> [Parameter] {
        let prefix = text("prefix")
        let moment = try moment()
        return [.optional(prefix)] + moment + [.text(text("book") ?? "main"), .text(try object("metadata") ?? "{}")]
    }
}
