import Foundation
import Libpq
import RelayTestKit
import Testing

/// What the schema refuses, whoever writes, and what `ledger reconcile` finds where it was got round.
@Suite struct InvariantTests {
    /// Books with a transfer of each step.
    private func books() async throws -> Books {
        let books = try await Books()
        let posted = try #require(try await books.post("\(Books.transfer(9)), 'first'"))
        try await books.database.execute("SELECT reverse_transfer('\(posted)', 'mistake')")
        let hold = try #require(try await books.database.value("SELECT hold_transfer(\(Books.transfer(50)))"))
        try await books.database.execute(
            "SELECT settle_transfer('\(hold)', \(Books.transfer(20)))")
        try await books.database.execute("SELECT release_transfer('\(hold)')")
        return books
    }

    private func reconcile(_ books: Books, _ options: [String] = []) async throws -> CommandRun {
        try await run(["ledger", "reconcile", "--database", books.database.conninfo] + options)
    }

    /// Legs that do not sum to zero, one leg alone, two that come later.
    @Test(arguments: [
        "VALUES ('\(Books.euro)'::uuid, 1, '\(Books.low)'::uuid, 'USD', 1), ('\(Books.euro)', 2, '\(Books.high)', 'USD', -2)",
        "VALUES ('\(Books.euro)'::uuid, 1, '\(Books.low)'::uuid, 'USD', 1)",
        """
        SELECT id, 8 + n, '\(Books.low)'::uuid, 'USD', 2 * n - 3 FROM transfers, generate_series(1, 2) AS n
        WHERE external_id = 'first'
        """,
    ])
    func entriesAreWrittenWholeOrNotAtAll(_ rows: String) async throws {
        let books = try await books()
        let error = await #expect(throws: PostgresError.self) {
            try await books.database.execute(
                """
                INSERT INTO transfers (id) VALUES ('\(Books.euro)');
                INSERT INTO entries (transfer_id, leg, account_id, asset, amount) \(rows)
                """)
        }
        #expect(error?.sqlState == "23514")
    }

    @Test func whatIsGivenAsABalanceIsNotBelieved() async throws {
        let books = try await books()
        try await books.database.execute(
            """
            INSERT INTO transfers (id) VALUES ('\(Books.euro)');
            INSERT INTO entries (transfer_id, leg, account_id, asset, amount, version, settled, held_debits, held_credits)
              VALUES ('\(Books.euro)', 1, '\(Books.low)', 'USD', 1, 77, 77, 77, 77),
                ('\(Books.euro)', 2, '\(Books.high)', 'USD', -1, 77, 77, 77, 77)
            """)
        #expect(try await books.database.query("SELECT * FROM ledger_rebuild_balances()").isEmpty)
    }

    @Test func booksStayApart() async throws {
        let books = try await Books()
        try await books.database.execute(
            "INSERT INTO accounts (id, asset, book) VALUES ('10000000-0000-4000-8000-000000000000', 'USD', 'other')")
        let error = await #expect(throws: PostgresError.self) {
            _ = try await books.post(Books.transfer(1, to: "10000000-0000-4000-8000-000000000000"))
        }
        #expect(error?.sqlState == "22023")
    }

    @Test func anAccountStaysWhatItIs() async throws {
        let books = try await books()
        for change in ["asset = 'EUR'", "book = 'other'", "normal_side = 'credit'", "may_go_negative = false"] {
            let error = await #expect(throws: PostgresError.self) {
                try await books.database.execute("UPDATE accounts SET \(change) WHERE id = '\(Books.high)'")
            }
            #expect(["23001", "23514"].contains(error?.sqlState), "\(change)")
        }
        try await books.database.execute("UPDATE accounts SET path = 'Assets:Cash' WHERE id = '\(Books.high)'")
    }

    @Test(arguments: [[], ["--rebuild"], ["--json"]]) func everythingHolds(_ options: [String]) async throws {
        let done = try await reconcile(try await books(), options)
        #expect(done.status == .exited(0), "\(done.output)\(done.errors)")
        #expect(done.output == (options == ["--json"] ? "{\"violations\":[],\"count\":0}\n" : "everything holds\n"))
    }

    /// A way round the schema, and the invariant that it breaks.
    static let breaches: [(statement: String, invariant: String)] = [
        ("UPDATE entries SET settled = settled + 1 WHERE version = 1", "each balance is the sum of its entries"),
        ("UPDATE entries SET settled = settled + 1 WHERE version = 6", "each balance is the sum of its entries"),
        ("UPDATE entries SET amount = amount + 1 WHERE leg = 1", "the legs of a transfer sum to zero"),
        ("UPDATE entries SET amount = amount + 1 WHERE leg = 1", "each asset sums to zero"),
        ("DELETE FROM entries WHERE leg = 2 AND \(of("release"))", "at least two entries"),
        ("UPDATE entries SET effect = 'held' WHERE \(of("posted"))", "entries are what their transfer's step"),
        ("UPDATE entries SET amount = 2 * amount WHERE leg < 3 AND \(of("settlement"))", "settles what it frees"),
        ("UPDATE entries SET amount = 2 * amount WHERE \(of("reversal"))", "a reversal nets to zero"),
        ("UPDATE accounts SET may_go_negative = false WHERE id = '\(Books.high)'", "may not go negative does not"),
        ("UPDATE accounts SET book = 'other' WHERE id = '\(Books.high)'", "a transfer stays in one book"),
        ("DELETE FROM outbox WHERE event_type = 'transfer.held'", "each step has one event"),
        (
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT aggregate_type, aggregate_id, event_type, payload FROM outbox WHERE event_type = 'transfer.held'
            """, "each step has one event"
        ),
        ("UPDATE outbox SET payload = jsonb_set(payload, '{legs,0,amount}', '1')", "an event tells what its"),
        ("UPDATE outbox SET event_type = 'transfer.held' WHERE id = 1", "an event tells what its entries are"),
    ]

    private static func of(_ step: String) -> String {
        "transfer_id = (SELECT id FROM transfers WHERE step = '\(step)')"
    }

    @Test(arguments: breaches) func aBreachIsNamed(_ statement: String, _ invariant: String) async throws {
        let books = try await books()
        let tables = ["accounts", "transfers", "entries"]
        let off = tables.map { "ALTER TABLE \($0) DISABLE TRIGGER USER;" }.joined()
        try await books.database.execute("\(off) \(statement)")
        let found = try await reconcile(books, ["--rebuild"])
        #expect(found.status == .exited(1), "\(found.errors)")
        #expect(found.output.contains(invariant), "\(found.output)")
        #expect(found.output.contains("trigger append_only is missing or off"))
        let json = try await reconcile(books, ["--json", "--rebuild"])
        let object = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        let violations = try #require(object?["violations"] as? [[String: String]])
        #expect(violations.contains { $0["invariant"]?.contains(invariant) == true })
        #expect(object?["count"] as? Int == violations.count)
    }

    @Test(arguments: [[], ["--json"]]) func whereThereIsNoLedgerNothingIsPrinted(_ options: [String]) async throws {
        let database = try await PrivateCluster.shared().database()
        let done = try await run(["ledger", "reconcile", "--database", database.conninfo] + options)
        #expect(done.status == .exited(78))
        #expect(done.output.isEmpty && done.errors.contains("run `ledger migrate`"), "\(done.output)\(done.errors)")
    }

    /// One snapshot: what is posted meanwhile is there whole, or not at all.
    @Test func besideALiveLedgerThereIsNoFalseAlarm() async throws {
        let books = try await books()
        let load = try RunningCommand([
            "ledger", "load", "--database", books.database.conninfo, "--rate", "300", "--duration", "3s",
        ])
        for _ in 0..<5 {
            let done = try await reconcile(books)
            #expect(done.status == .exited(0), "\(done.output)\(done.errors)")
        }
        #expect(try await load.end().status == .exited(0))
        #expect(try await reconcile(books, ["--rebuild"]).status == .exited(0))
    }
}
