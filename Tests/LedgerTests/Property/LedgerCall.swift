import Libpq

/// The ledger's functions as the tests call them: each gives one row with one id.
enum LedgerCall {
    static func open(_ kind: AccountKind, book: String, path: String) -> Statement {
        Statement(
            """
            INSERT INTO accounts (book, path, asset, normal_side, may_go_negative) VALUES ($1, $2, $3, $4, $5)
            RETURNING id
            """,
            [
                .text(book), .text(path), .text(kind.asset.rawValue), kind.isDebit ? "debit" : "credit",
                .bool(kind.mayGoNegative),
            ])
    }

    static func post(_ legs: String, externalID: String?) -> Statement {
        Statement("SELECT post_transfer($1::jsonb, $2::text)", [.text(legs), externalID.map(Parameter.text) ?? .null])
    }

    static func hold(_ legs: String, externalID: String?) -> Statement {
        Statement("SELECT hold_transfer($1::jsonb, $2::text)", [.text(legs), externalID.map(Parameter.text) ?? .null])
    }

    static func settle(_ hold: String, _ legs: String?) -> Statement {
        Statement(
            "SELECT settle_transfer($1::uuid, $2::jsonb)", [.text(hold), legs.map(Parameter.text) ?? .null])
    }

    static func release(_ hold: String) -> Statement {
        Statement("SELECT release_transfer($1::uuid)", [.text(hold)])
    }

    static func reverse(_ transfer: String) -> Statement {
        Statement("SELECT reverse_transfer($1::uuid, 'mistake')", [.text(transfer)])
    }

    /// Legs as the functions read them.
    static func legs(_ legs: [(account: String, asset: Asset, amount: Int)]) -> String {
        let objects = legs.map {
            #"{"account_id":"\#($0.account)","asset":"\#($0.asset.rawValue)","amount":\#($0.amount)}"#
        }
        return "[\(objects.joined(separator: ","))]"
    }

    /// All that `ledger reconcile --rebuild` looks at: a row for each thing that does not hold.
    static let reconcile = """
        SELECT * FROM ledger_rebuild_balances() UNION ALL SELECT * FROM ledger_check_balances()
        UNION ALL SELECT * FROM ledger_check_transfers() UNION ALL SELECT * FROM ledger_check_accounts()
        UNION ALL SELECT * FROM ledger_check_events()
        """
}

extension Connection {
    /// The id that a call gives, or what the ledger refuses it with.
    ///
    /// - Throws: what is no answer of the server, such as a lost connection.
    func ask(_ call: Statement) async throws -> Result<String, Refusal> {
        do {
            let table = try await query(call.text, call.values, prepares: true)
            return .success(table.string(0, 0) ?? "")
        } catch {
            guard error.kind == .server, let sqlState = error.sqlState else { throw error }
            return .failure(Refusal(sqlState, error.constraint))
        }
    }
}
