import Libpq
import RelayTestKit
import Synchronization
import Testing

/// A few accounts that many use at once, two of which may not go negative.
struct SharedBooks: Sendable {
    let database: TestDatabase
    let accounts: [Asset: [String]]
    /// The transfers that are known to all.
    let known = KnownTransfers()

    init() async throws {
        database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        let rows = try await database.query(
            """
            INSERT INTO accounts (asset, normal_side, may_go_negative)
            VALUES ('USD', 'debit', true), ('USD', 'credit', false), ('USD', 'debit', false), ('EUR', 'debit', true),
              ('EUR', 'credit', true)
            RETURNING asset, id
            """)
        accounts = rows.reduce(into: [:]) { accounts, row in
            guard let asset = row[0].flatMap(Asset.init), let id = row[1] else { return }
            accounts[asset, default: []].append(id)
        }
    }

    /// Posts between the euro accounts, which may go negative.
    func post(_ amount: Int, externalID: String?) -> Statement {
        let euros = accounts[.euros] ?? []
        let amounts = [amount, -amount]
        return LedgerCall.post(
            LedgerCall.legs(zip(euros, amounts).map { ($0, .euros, $1) }), externalID: externalID)
    }

    /// Of each asset all entries sum to zero, each transfer has its event, no deadlock was met, and `ledger reconcile` has
    /// nothing to say.
    func expectConservation(_ comment: String, location: SourceLocation = #_sourceLocation) async throws {
        let sums = "SELECT asset, sum(amount) FROM entries GROUP BY asset, effect = 'settled' HAVING sum(amount) <> 0"
        let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        let events = "SELECT (SELECT count(*) FROM outbox) - (SELECT count(*) FROM transfers)"
        #expect(try await database.query(sums) == [], "\(comment)", sourceLocation: location)
        #expect(try await database.query(LedgerCall.reconcile) == [], "\(comment)", sourceLocation: location)
        #expect(try await database.number(events) == 0, "\(comment)", sourceLocation: location)
        #expect(try await database.number(deadlocks) == 0, "\(comment)", sourceLocation: location)
    }
}

/// The ids of what was written so far, for anybody to refer to.
final class KnownTransfers: Sendable {
    private let ids = Mutex<[String]>([])

    func add(_ id: String) { ids.withLock { $0.append(id) } }

    /// One of the latest, so that several want the same.
    func recent(_ random: inout SeededRandom) -> String {
        let recent = ids.withLock { Array($0.suffix(12)) }
        return recent.randomElement(using: &random) ?? ""
    }

    var isEmpty: Bool { ids.withLock(\.isEmpty) }
}

/// One of many that do what they like to the same accounts.
struct Rival {
    private var random: SeededRandom
    private let books: SharedBooks
    private let connection: Connection

    init(seed: UInt64, _ books: SharedBooks, _ connection: Connection) {
        (random, self.books, self.connection) = (SeededRandom(seed: seed), books, connection)
    }

    /// How often it was refused what; `nil` is what was not refused.
    mutating func act(times: Int) async throws -> [Refusal?: Int] {
        var answers: [Refusal?: Int] = [:]
        for _ in 0..<times {
            switch try await connection.ask(call()) {
            case .success(let id):
                books.known.add(id)
                answers[nil, default: 0] += 1
            case .failure(let refusal): answers[refusal, default: 0] += 1
            }
        }
        return answers
    }

    private mutating func call() -> Statement {
        let choice = books.known.isEmpty ? 0 : Int.random(in: 0..<100, using: &random)
        return switch choice {
        case 0..<35: LedgerCall.post(legs(), externalID: externalID())
        case 35..<65: LedgerCall.hold(legs(), externalID: externalID())
        case 65..<75: LedgerCall.settle(books.known.recent(&random), nil)
        case 75..<80: LedgerCall.settle(books.known.recent(&random), legs())
        case 80..<88: LedgerCall.release(books.known.recent(&random))
        default: LedgerCall.reverse(books.known.recent(&random))
        }
    }

    private mutating func externalID() -> String? {
        random.chance(0.2) ? "shared \(Int.random(in: 0..<40, using: &random))" : nil
    }

    /// Money that goes round: from account to account in one asset or in both, in any order.
    private mutating func legs() -> String {
        var legs: [(account: String, asset: Asset, amount: Int)] = []
        for asset in Asset.allCases where asset == .dollars || random.chance(0.5) {
            let amount = Int.random(in: 1...20, using: &random)
            let accounts = (books.accounts[asset] ?? []).shuffled(using: &random)
            for (account, amount) in zip(accounts, [amount, -amount]) { legs.append((account, asset, amount)) }
        }
        legs.shuffle(using: &random)
        return LedgerCall.legs(legs)
    }
}
