import Libpq

/// The accounts that a load moves money between, by asset: a transfer stays within one.
struct AccountBook: Sendable {
    /// Accounts of one asset.
    struct Holding: Sendable {
        let asset: String
        var accounts: [String]
    }

    /// The assets that have at least two accounts.
    let holdings: [Holding]
    /// How many accounts they are together.
    let count: Int

    init(holdings: [Holding]) {
        self.holdings = holdings
        count = holdings.reduce(0) { $0 + $1.accounts.count }
    }

    /// How many accounts of a ledger a load looks at.
    static let limit = 100_000

    /// Opens accounts, one after the other in each of three assets; below six all in one, so that two can trade.
    static func open(_ count: Int, on connection: Connection) async throws(PostgresError) {
        try await connection.query(
            """
            INSERT INTO accounts (asset, name)
            SELECT CASE WHEN $1::bigint < 6 THEN 'USD' ELSE (ARRAY['USD', 'EUR', 'JPY'])[n % 3 + 1] END, 'account ' || n
            FROM generate_series(1, $1::bigint) AS s (n)
            """, [.int(Int64(count))])
    }

    /// Reads the ledger's accounts, in the order of their ids.
    static func read(on connection: Connection) async throws(PostgresError) -> AccountBook {
        let table = try await connection.query(
            "SELECT asset, id FROM accounts ORDER BY id LIMIT $1::bigint", [.int(Int64(limit))])
        var byAsset: [String: [String]] = [:]
        for row in table.rows {
            guard let asset = row.string(0), let id = row.string(1) else { continue }
            byAsset[asset, default: []].append(id)
        }
        return AccountBook(
            holdings: byAsset.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }
                .map { Holding(asset: $0.key, accounts: $0.value) })
    }
}
