import Libpq

/// The accounts that a load moves money between, by asset: a transfer stays within one. They are those of the book main
/// without the world's, which stand for everything outside.
struct AccountBook: Sendable {
    /// Accounts of one asset, at least two.
    struct Holding: Sendable {
        let asset: String
        let accounts: [String]
    }

    /// The assets that have at least two accounts; the one with the most first.
    let holdings: [Holding]
    /// How many accounts they are together.
    let count: Int

    /// Accounts by id, in the order in which choices count them.
    init(_ accounts: [(asset: String, id: String)]) {
        var byAsset: [String: [String]] = [:]
        for account in accounts { byAsset[account.asset, default: []].append(account.id) }
        holdings = byAsset.filter { $0.value.count > 1 }
            .sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }
            .map { Holding(asset: $0.key, accounts: $0.value) }
        count = holdings.reduce(0) { $0 + $1.accounts.count }
    }

    /// How many accounts of a ledger a load looks at.
    static let limit = 100_000

    /// The assets that accounts are opened in.
    static let assets = ["USD", "EUR", "JPY"]

    /// The assets of so many new accounts, one after the other: below six accounts one asset, so that two can trade.
    static func assets(for count: Int) -> [String] { count < 6 ? Array(assets.prefix(1)) : assets }

    /// Opens accounts without money.
    static func open(_ count: Int, on connection: Connection) async throws(PostgresError) {
        try await connection.query(
            """
            INSERT INTO accounts (asset, name)
            SELECT ($2::text[])[n % cardinality($2::text[]) + 1], 'account ' || n
            FROM generate_series(1, $1::bigint) AS s (n)
            """, [.int(Int64(count)), .textArray(assets(for: count))])
    }

    /// Reads the ledger's accounts, in the order of their ids.
    static func read(on connection: Connection) async throws(PostgresError) -> AccountBook {
        let table = try await connection.query(
            """
            SELECT asset, id FROM accounts
            WHERE book = 'main' AND path <> 'World' AND path NOT LIKE 'World:%' ORDER BY id LIMIT \(limit)
            """)
        return AccountBook(
            table.rows.compactMap { row in
                guard let asset = row.string(0), let id = row.string(1) else { return nil }
                return (asset, id)
            })
    }
}
