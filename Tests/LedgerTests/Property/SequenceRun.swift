import Foundation
import Libpq

/// Where a database and the model part ways.
struct Divergence: Error, Hashable, CustomStringConvertible {
    /// The step after which they do; `nil` is the end of the sequence.
    let step: LedgerStep?
    let what: String

    var description: String { "after \(step.map { "\($0)" } ?? "the last step"): \(what)" }
}

/// One sequence in a book of its own: each step is asked of the database and of the model, and what both have then is
/// compared. Other sequences may run in other books of the same database.
struct SequenceRun {
    let connection: Connection
    let book = UUID().uuidString
    var model: ReferenceLedger
    /// The database's ids of the accounts, by the labels of the steps that opened them.
    var accounts: [Int: String] = [:]
    /// The database's ids of the model's transfers.
    var transfers: [String] = []
    var observed: [Int: Observation] = [:]
    /// By how much each transfer changed each account.
    var changes: [[Int: Balance]] = []

    /// An account, as the database tells it.
    struct Observation: Hashable {
        let balance: Balance
        let version: Int
    }

    private init(_ model: ReferenceLedger, _ connection: Connection) {
        (self.model, self.connection) = (model, connection)
    }

    /// Runs a sequence; gives the first thing that is not as the model says.
    ///
    /// - Throws: where the database cannot be asked.
    static func divergence(
        of steps: [LedgerStep], flaw: ReferenceLedger.Flaw? = nil, on connection: Connection
    ) async throws -> Divergence? {
        var run = SequenceRun(ReferenceLedger(flaw: flaw), connection)
        do {
            for step in steps { try await run.perform(step) }
            try await run.checkBook()
            return nil
        } catch let divergence as Divergence {
            return divergence
        }
    }

    private mutating func perform(_ step: LedgerStep) async throws {
        // Asked of the database first: what a step refers to is there already.
        let before = try await document(repeatedBy: step)
        let answer = try await connection.ask(call(step))
        let expected = Self.outcome(of: step, &model)
        try compare(answer, expected, step)
        if let before, try await document(before.transfer) != before.text {
            throw Divergence(step: step, what: "asking again changed what there is of transfer \(before.transfer)")
        }
        try await observe(step, wrote: expected)
    }

    private static func outcome(
        of step: LedgerStep, _ model: inout ReferenceLedger
    ) -> Result<ReferenceLedger.Outcome, Refusal> {
        do throws(Refusal) { return .success(try model.apply(step)) } catch { return .failure(error) }
    }

    private mutating func compare(
        _ answer: Result<String, Refusal>, _ expected: Result<ReferenceLedger.Outcome, Refusal>, _ step: LedgerStep
    ) throws(Divergence) {
        switch (answer, expected) {
        case (.success(let id), .success(.opened)): accounts[step.label] = id
        case (.success(let id), .success(.wrote)) where !transfers.contains(id): transfers.append(id)
        case (.success(let id), .success(.repeated(let transfer))) where transfers[transfer] == id: break
        case (.failure(let refusal), .failure(let foreseen)) where refusal == foreseen: break
        default:
            throw Divergence(step: step, what: "the database gives \(told(answer)), the model \(told(expected))")
        }
    }

    private func told(_ answer: Result<String, Refusal>) -> String {
        switch answer {
        case .success(let id): transfers.firstIndex(of: id).map { "transfer \($0) of before" } ?? "a new id"
        case .failure(let refusal): "\(refusal)"
        }
    }

    private func told(_ expected: Result<ReferenceLedger.Outcome, Refusal>) -> String {
        switch expected {
        case .success(.repeated(let transfer)): "transfer \(transfer) of before"
        case .success: "a new id"
        case .failure(let refusal): "\(refusal)"
        }
    }
}

/// What the database is asked.
extension SequenceRun {
    private func call(_ step: LedgerStep) -> Statement {
        switch step.action {
        case .open(let kind): LedgerCall.open(kind, book: book, path: "Account:\(step.label)")
        case .post(let request): LedgerCall.post(legs(request.legs), externalID: externalID(request))
        case .hold(let request): LedgerCall.hold(legs(request.legs), externalID: externalID(request))
        case .settle(let hold, let legs): LedgerCall.settle(transfer(hold), legs.map(self.legs))
        case .release(let hold): LedgerCall.release(transfer(hold))
        case .reverse(let original): LedgerCall.reverse(transfer(original))
        }
    }

    private func legs(_ legs: [Leg]) -> String {
        LedgerCall.legs(legs.map { (accounts[$0.account] ?? Self.nobody, $0.asset, $0.amount) })
    }

    private func externalID(_ request: TransferRequest) -> String? { request.externalID.map { "\(book) \($0)" } }

    private func transfer(_ label: Int) -> String { model.made[label].map { transfers[$0] } ?? Self.nobody }

    /// No account and no transfer has this id.
    static let nobody = "00000000-0000-4000-8000-000000000000"

    /// A transfer as the database shows it, where the model says that a step gives it again.
    private func document(repeatedBy step: LedgerStep) async throws -> (transfer: String, text: String?)? {
        var copy = model
        guard case .success(.repeated(let transfer)) = Self.outcome(of: step, &copy) else { return nil }
        return (transfers[transfer], try await document(transfers[transfer]))
    }

    private func document(_ transfer: String) async throws -> String? {
        try await connection.query("SELECT ledger_show_transfer($1)", [.text(transfer)], prepares: true).string(0, 0)
    }

    /// The balances of all accounts.
    func balances() async throws -> [Int: Observation] {
        let table = try await connection.query(
            """
            SELECT a.path, b.settled, b.pending, b.available, b.version
            FROM accounts a, account_balance(a.id) b WHERE a.book = $1
            """, [.text(book)], prepares: true)
        var balances: [Int: Observation] = [:]
        for row in table.rows {
            guard let label = row.string(0).flatMap({ Int($0.dropFirst("Account:".count)) }), let settled = row.int(1),
                let pending = row.int(2), let available = row.int(3), let version = row.int(4)
            else { throw Divergence(step: nil, what: "a balance has no numbers") }
            balances[label] = Observation(
                balance: Balance(settled: Int128(settled), pending: Int128(pending), available: Int128(available)),
                version: Int(version))
        }
        return balances
    }
}
