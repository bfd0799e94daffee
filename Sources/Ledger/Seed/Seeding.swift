import Libpq

/// Opens numbered accounts and funds them, batch by batch: each is one transaction, so that an account that is there has its
/// money, and no more than a batch is in memory.
struct Seeding {
    let assets: [String]
    /// What each account is given, in minor units; 0 is nothing.
    let funds: Int64
    /// Whether the accounts may; the world always may.
    let mayGoNegative: Bool

    /// How many accounts one transfer funds at most; with the world's it has a leg more.
    static let most = 500

    /// Opens so many accounts, one asset after the other, behind those that are there.
    func open(_ count: Int, on connection: Connection) async throws(PostgresError) {
        let worlds = try await worlds(on: connection)
        var left = count
        while left > 0 {
            let batch = min(left, Self.most * assets.count)
            do throws(PostgresError) {
                try await openBatch(of: batch, fundedBy: worlds, on: connection)
            } catch {
                try? await connection.rollBack()
                throw error
            }
            left -= batch
        }
    }

    /// The ids of the accounts that stand for the world, by asset, opened where they are missing.
    private func worlds(on connection: Connection) async throws(PostgresError) -> [String: String] {
        try await connection.query(Self.openWorlds, [.textArray(assets)])
        let table = try await connection.query(Self.findWorlds, [.textArray(assets)])
        return pairs(of: table).reduce(into: [:]) { $0[$1.asset] = $1.id }
    }

    private func openBatch(
        of count: Int, fundedBy worlds: [String: String], on connection: Connection
    ) async throws(PostgresError) {
        let begun = try await connection.run([Statement(Self.begin), Statement(Self.lock), Statement(Self.highest)])
        let highest = begun.last.flatMap { $0.rowCount > 0 ? $0.int(0, 0) : nil } ?? 0
        let opened = try await connection.query(
            Self.openAccounts,
            [.int(highest + 1), .int(highest + Int64(count)), .textArray(assets), .bool(mayGoNegative)], prepares: true)
        var byAsset: [String: [String]] = [:]
        for account in pairs(of: opened) { byAsset[account.asset, default: []].append(account.id) }
        let transfers = byAsset.sorted { $0.key < $1.key }.compactMap { asset, accounts -> Statement? in
            guard funds > 0, let world = worlds[asset] else { return nil }
            return Statement(
                Self.fund, [.text(world), .text(asset), .int(funds), .textArray(accounts)], prepares: true)
        }
        try await connection.run(transfers + [.commit])
    }

    /// The rows of an asset and an id.
    private func pairs(of table: ResultTable) -> [(asset: String, id: String)] {
        table.rows.compactMap { row in
            guard let asset = row.string(0), let id = row.string(1) else { return nil }
            return (asset, id)
        }
    }
}

extension Seeding {
    /// Each statement sees what was committed before it, whatever the database's default is: of two seeds at once the second
    /// one has to see the first one's numbers.
    private static let begin: SQLText = "BEGIN ISOLATION LEVEL READ COMMITTED"

    private static let lock: SQLText = "SELECT pg_advisory_xact_lock(hashtextextended('ledger seed', 0))"

    /// What the world has is what it has given: a positive number on its side, the credits.
    private static let openWorlds: SQLText = """
        INSERT INTO accounts (path, asset, name, normal_side, may_go_negative)
        SELECT 'World:' || asset, asset, 'where ' || asset || ' come from', 'credit', true
        FROM unnest($1::text[]) AS s (asset)
        ON CONFLICT (book, path) DO NOTHING
        """

    private static let findWorlds: SQLText = """
        SELECT s.asset, a.id FROM unnest($1::text[]) AS s (asset)
        JOIN accounts a ON a.book = 'main' AND a.path = 'World:' || s.asset
        """

    /// The highest number so far: all have ten digits, so that paths are in the order of numbers. Other accounts may lie
    /// beside and below them.
    private static let highest: SQLText = """
        SELECT right(a.path, 10)::bigint FROM accounts a
        WHERE a.book = 'main' AND a.path > 'Assets:Seeded:' AND a.path < 'Assets:Seeded;'
          AND a.path ~ '^Assets:Seeded:[0-9]{10}$'
        ORDER BY a.path DESC LIMIT 1
        """

    /// The accounts from number `$1` to `$2`, in the assets `$3` by turns.
    private static let openAccounts: SQLText = """
        INSERT INTO accounts (path, asset, name, may_go_negative)
        SELECT 'Assets:Seeded:' || lpad(n::text, 10, '0'), ($3::text[])[n % cardinality($3::text[]) + 1],
          'account ' || n, $4::boolean
        FROM generate_series($1::bigint, $2::bigint) AS s (n)
        RETURNING asset, id
        """

    /// From the world's account `$1`, in `$2`, `$3` minor units to each of the accounts `$4`.
    private static let fund: SQLText = """
        SELECT post_transfer(
          jsonb_build_array(jsonb_build_object(
            'account_id', $1::uuid, 'asset', $2::text, 'amount', -$3::bigint * cardinality($4::uuid[])))
          || (SELECT jsonb_agg(jsonb_build_object('account_id', id, 'asset', $2::text, 'amount', $3::bigint))
                FROM unnest($4::uuid[]) AS s (id)),
          description => 'ledger seed')
        """
}
