import Libpq
import RelayTestKit
import Testing

/// What the books say, now and at a past moment.
@Suite struct BalanceTests {
    private func moment(_ books: Books) async throws -> String {
        try #require(try await books.database.value("SELECT clock_timestamp()"))
    }

    private func settled(_ account: String, _ more: String, _ books: Books) async throws -> String? {
        try await books.database.value("SELECT settled FROM account_balance('\(account)'\(more))")
    }

    @Test func atAPastMoment() async throws {
        let books = try await Books()
        var moments: [(at: String, settled: Int)] = [(try await moment(books), 0)]
        for amount in 1...5 {
            _ = try await books.post(Books.transfer(amount, from: Books.low, to: Books.high))
            moments.append((try await moment(books), moments[amount - 1].settled + amount))
        }
        for (moment, expected) in moments {
            #expect(try await settled(Books.high, ", '\(moment)'", books) == "\(expected)")
            #expect(try await settled(Books.low, ", '\(moment)'", books) == "\(-expected)")
        }
        #expect(try await settled(Books.high, "", books) == "15")
    }

    @Test func byEffectiveDate() async throws {
        let books = try await Books()
        let transfer = Books.transfer(7, from: Books.low, to: Books.high)
        _ = try await books.post("\(transfer), effective_at => '2020-01-02'")
        _ = try await books.post("\(transfer), effective_at => now() + interval '1 day'")
        _ = try await books.post(transfer)
        for (moment, dated, posted) in [
            ("'2020-01-01'", "0", "0"), ("'2020-01-03'", "7", "0"), ("now()", "14", "21"),
            ("now() + interval '2 days'", "21", "21"),
        ] {
            #expect(try await settled(Books.high, ", \(moment), true", books) == dated, "\(moment)")
            #expect(try await settled(Books.high, ", \(moment)", books) == posted, "\(moment)")
        }
    }

    @Test func belowAPath() async throws {
        let books = try await Books()
        try await books.database.execute(
            """
            INSERT INTO accounts (asset, path, metadata) VALUES
              ('USD', 'Assets', '{}'), ('USD', 'Assets:Cash', '{"branch": "a"}'), ('EUR', 'Assets:Cash:Till', '{}'),
              ('USD', 'AssetsX', '{}'), ('USD', 'Assets-Old:Cash', '{}'), ('USD', 'assets:cash', '{}'),
              ('USD', 'Assets:Ärmel', '{"branch": "a"}');
            INSERT INTO accounts (asset, book, path) VALUES ('USD', 'other', 'Assets:Cash')
            """)
        let paths = { (arguments: String) in
            try await books.database.query("SELECT path FROM list_balances(\(arguments))").map { $0[0] }
        }
        #expect(try await paths("'Assets'") == ["Assets", "Assets:Cash", "Assets:Cash:Till", "Assets:Ärmel"])
        #expect(try await paths("'Assets:Cash'") == ["Assets:Cash", "Assets:Cash:Till"])
        #expect(try await paths("'Assets', most => 2") == ["Assets", "Assets:Cash"])
        #expect(try await paths("'Assets', behind => 'Assets:Cash'") == ["Assets:Cash:Till", "Assets:Ärmel"])
        #expect(
            try await paths(#"'Assets', metadata => '{"branch": "a"}'"#) == ["Assets:Cash", "Assets:Ärmel"])
        #expect(try await paths("'Assets', book => 'other'") == ["Assets:Cash"])
        #expect(
            try await books.database.query("SELECT asset, accounts FROM sum_balances('Assets')")
                == [["EUR", "1"], ["USD", "3"]])
    }

    @Test func aTrialBalance() async throws {
        let books = try await Books()
        let before = try await moment(books)
        _ = try await books.post(Books.transfer(7))
        try await books.database.execute("SELECT hold_transfer(\(Books.transfer(100)))")
        let sums = { (arguments: String) in
            try await books.database.query("SELECT sum(debit), sum(credit) FROM trial_balance(\(arguments))")
        }
        #expect(try await sums("") == [["7", "7"]])
        #expect(try await sums("'\(before)'") == [["0", "0"]])
        let rows = try await books.database.query(
            "SELECT account_id, debit, credit FROM trial_balance() WHERE debit + credit > 0 ORDER BY account_id")
        #expect(rows == [[Books.low, "7", "0"], [Books.high, "0", "7"]])
    }

    /// One probe of an index, whatever the history: the account has a thousand entries.
    @Test func aHotAccountIsReadInOneProbe() async throws {
        let books = try await Books()
        try await books.database.execute(
            """
            SELECT post_transfer(\(Books.transfer(1))) FROM generate_series(1, 500);
            ANALYZE entries
            """)
        for statement in [
            "SELECT * FROM entries WHERE account_id = '\(Books.low)' ORDER BY version DESC LIMIT 1",
            """
            SELECT * FROM entries WHERE account_id = '\(Books.low)' AND posted_at <= now()
            ORDER BY posted_at DESC, version DESC LIMIT 1
            """,
        ] {
            let plan = try await books.database.query("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) \(statement)")
                .compactMap { $0[0] }.joined(separator: "\n")
            #expect(plan.contains("Index Scan Backward"), "\(plan)")
            #expect(!plan.contains("Sort") && !plan.contains("Filter"), "\(plan)")
        }
    }

    /// Accounts before the path and behind it are not read.
    @Test func aListingReadsWhatIsBelowItsPath() async throws {
        let books = try await Books()
        try await books.database.execute(
            """
            INSERT INTO accounts (asset, path) SELECT 'USD', 'A' || n % 3 || ':' || n FROM generate_series(1, 3000) n;
            ANALYZE accounts
            """)
        let read = try await books.database.withConnection { connection in
            try await connection.execute("BEGIN")
            let listed = try await connection.query("SELECT count(*) FROM list_balances('A1', most => 10)")
            #expect(listed.int(0, 0) == 10)
            return try await connection.query(
                "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'accounts'"
            ).int(0, 0)
        }
        // Each is found, and read once more for its balance.
        #expect(try #require(read) < 100)
    }

    @Test(arguments: ["", ":a", "a:", "a::b", "a\u{1}b"]) func noPath(_ path: String) async throws {
        let books = try await Books()
        let error = await #expect(throws: PostgresError.self) {
            try await books.database.execute("INSERT INTO accounts (asset, path) VALUES ('USD', '\(path)')")
        }
        #expect(error?.sqlState == "23514")
    }

    /// Paths are ordered by their bytes, whatever the database's collation is: a page begins behind the last path of the one before.
    @Test func pathsAreOrderedByTheirBytes() async throws {
        let books = try await Books()
        let functions = try await books.database.query(
            #"SELECT proname FROM pg_proc WHERE prosrc ~ 'ORDER BY [a-z]+\.path(?! COLLATE "C")'"#)
        #expect(functions.isEmpty, "\(functions)")
        #expect(
            try await books.database.number(
                "SELECT count(*) FROM pg_proc WHERE prosrc ~ 'ORDER BY [a-z]+\\.path COLLATE'") > 3)
    }
}
