import Libpq
import RelayTestKit
import Testing

/// Money that is held, and settles or is released later.
@Suite struct HoldTests {
    /// Amounts that leave `high`: it may not go negative, and begins with 100.
    private func books() async throws -> Books {
        let books = try await Books()
        _ = try await books.post(Books.transfer(100, from: Books.low, to: Books.high))
        try await books.database.execute("UPDATE accounts SET may_go_negative = false WHERE id = '\(Books.high)'")
        return books
    }

    private func hold(_ amount: Int, _ books: Books) async throws -> String {
        let arguments = "\(Books.transfer(amount)), 'hold-\(amount)'"
        return try #require(try await books.database.value("SELECT hold_transfer(\(arguments))"))
    }

    /// What has settled, is pending and can be spent, of `high` and of `low`.
    private func balances(_ books: Books) async throws -> [[String?]] {
        try await books.database.query(
            """
            SELECT settled, pending, available FROM accounts a, account_balance(a.id)
            WHERE a.id IN ('\(Books.high)', '\(Books.low)') ORDER BY a.id DESC
            """)
    }

    private func events(_ books: Books) async throws -> [String?] {
        try await books.database.query("SELECT event_type FROM outbox ORDER BY id OFFSET 1").map { $0[0] }
    }

    @Test func whatIsHeldIsPendingAndCannotBeSpent() async throws {
        let books = try await books()
        _ = try await hold(60, books)
        #expect(try await balances(books) == [["100", "40", "40"], ["-100", "-40", "-100"]])
        let error = await #expect(throws: PostgresError.self) { _ = try await books.post(Books.transfer(41)) }
        #expect(error?.sqlState == "23514")
        _ = try await books.post(Books.transfer(40))
        #expect(try await balances(books) == [["60", "0", "0"], ["-60", "0", "-60"]])
    }

    @Test func itSettlesWhole() async throws {
        let books = try await books()
        let hold = try await hold(100, books)
        try await books.database.execute("SELECT settle_transfer('\(hold)')")
        #expect(try await balances(books) == [["0", "0", "0"], ["0", "0", "0"]])
        #expect(try await events(books) == ["transfer.held", "transfer.settled"])
        #expect(try await books.database.value("SELECT state FROM ledger_transfers WHERE id = '\(hold)'") == "settled")
    }

    @Test func itSettlesInPartsAndTheRestIsReleased() async throws {
        let books = try await books()
        let hold = try await hold(60, books)
        for _ in 0..<2 { try await books.database.execute("SELECT settle_transfer('\(hold)', \(Books.transfer(20)))") }
        #expect(try await balances(books)[0] == ["60", "40", "40"])
        let tooMuch = await #expect(throws: PostgresError.self) {
            try await books.database.execute("SELECT settle_transfer('\(hold)', \(Books.transfer(21)))")
        }
        #expect(tooMuch?.sqlState == "22023")
        try await books.database.execute("SELECT release_transfer('\(hold)', 'no longer wanted')")
        #expect(try await balances(books) == [["60", "60", "60"], ["-60", "-60", "-60"]])
        #expect(
            try await events(books) == ["transfer.held", "transfer.settled", "transfer.settled", "transfer.released"])
        // By their key the steps of a hold follow one another.
        #expect(try await books.database.number("SELECT count(*) FROM outbox WHERE aggregate_id = '\(hold)'") == 4)
    }

    /// Whatever is asked of a hold that is over, or of what is none.
    @Test func anEndIsAnEnd() async throws {
        let books = try await books()
        let (released, settled) = (try await hold(10, books), try await hold(20, books))
        let posted = try #require(try await books.post(Books.transfer(1)))
        try await books.database.execute("SELECT release_transfer('\(released)'), settle_transfer('\(settled)')")
        for id in [released, settled, posted] {
            for step in ["settle_transfer", "release_transfer"] {
                let error = await #expect(throws: PostgresError.self) {
                    try await books.database.execute("SELECT \(step)('\(id)')")
                }
                #expect(error?.sqlState == "55000", "\(step)")
            }
        }
        let reversal = await #expect(throws: PostgresError.self) {
            try await books.database.execute("SELECT reverse_transfer('\(released)', 'mistake')")
        }
        #expect(reversal?.sqlState == "55000")
    }

    @Test func whatSettledIsReversed() async throws {
        let books = try await books()
        let hold = try await hold(60, books)
        let settlement = try #require(try await books.database.value("SELECT settle_transfer('\(hold)')"))
        try await books.database.execute("SELECT reverse_transfer('\(settlement)', 'mistake')")
        #expect(try await balances(books) == [["100", "100", "100"], ["-100", "-100", "-100"]])
        #expect(
            try await books.database.value("SELECT state FROM ledger_transfers WHERE id = '\(settlement)'") == "voided")
    }

    /// Each part is taken once, however many want it at once.
    @Test func stepsOfOneHoldFollowOneAnother() async throws {
        let books = try await books()
        let hold = try await hold(50, books)
        let part = "SELECT settle_transfer('\(hold)', \(Books.transfer(10)))"
        let settled = await withTaskGroup { group in
            for _ in 0..<8 { group.addTask { (try? await books.database.execute(part)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(settled == 5)
        #expect(try await balances(books)[0] == ["50", "50", "50"])
    }

    @Test func anExternalIdIsAHoldOrATransfer() async throws {
        let books = try await books()
        let hold = try await hold(5, books)
        #expect(try await self.hold(5, books) == hold)
        let error = await #expect(throws: PostgresError.self) {
            _ = try await books.post("\(Books.transfer(5)), 'hold-5'")
        }
        #expect(error?.sqlState == "23505")
    }
}
