import LedgerCore
import Libpq
import Logging

extension Problem {
    /// What the ledger's functions refuse, for good; `nil` for what another try, or somebody's repair, may mend.
    init?(refusal error: PostgresError, of operation: LedgerRequest.Operation) {
        guard error.kind == .server, let state = error.sqlState else { return nil }
        if let code = error.constraint.flatMap(Code.init) {
            self.init(code, "\(error.message).")
            return
        }
        switch (state, error.constraint) {
        case ("23514", "accounts_may_go_negative"): self.init(.insufficientFunds, "\(error.message).")
        case ("23505", "accounts_path"): self.init(.pathTaken, "There is an account of this path in the book.")
        case ("23514", let name?) where operation == .open && name.hasPrefix("accounts_"):
            self.init(.invalidAccount, "\(error.message).")
        case ("22003", _): self.init(.outOfRange, "An amount or a balance is beyond ±\(Int64.max): \(error.message).")
        default:
            // A data exception. Constraints that are not the ledger's own speak of its tables' state, not of the request.
            guard state.hasPrefix("22") else { return nil }
            self.init(operation == .open ? .invalidAccount : .invalidTransfer, "\(error.message).")
        }
    }

    /// What went wrong with a statement that only looks at the books.
    init(asking error: PostgresError, _ log: Logger) {
        switch (error.kind, error.sqlState, error.constraint) {
        case (.server, _, Code.unknownAccount.rawValue):
            self.init(.unknownAccount, status: 404, "\(error.message).")
        case (.server, let state?, _) where state.hasPrefix("22"):
            self.init(.invalidParameter, "\(error.message).")
        case (.server, _, _) where !error.canRetry:
            log.error("a question failed", metadata: error.metadata)
            self.init(.internalError, "The ledger failed at this request; its log says why.")
        case (.timeout, _, _):
            self.init(.tooSlow, "This takes longer than a request may: ask for less, or for a smaller page.")
        case (.server, _, _):
            self.init(.busy, "The ledger is too busy: repeat the request in a moment.")
        default:
            self.init(.databaseUnavailable, "The database does not answer.")
        }
    }
}

extension PostgresError {
    /// For the log: without the server's DETAIL, which may be a row.
    var metadata: Logger.Metadata { ["reason": "\(message)", "sqlstate": "\(sqlState ?? "none")"] }
}
