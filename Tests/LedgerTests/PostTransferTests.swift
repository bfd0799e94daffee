import Libpq
import RelayTestKit
import Testing

@Suite struct PostTransferTests {
    @Test func writesEntriesAndOneEventInOneTransaction() async throws {
        let books = try await Books()
        let id = try await books.post("\(Books.transfer(250)), 'ext-1', 'corr-1', 'rent', '{\"a\":1.50}'")
        let transfer = try #require(id)
        let database = books.database
        #expect(try await database.number("SELECT sum(amount) FROM entries") == 0)
        #expect(try await database.number("SELECT count(*) FROM entries WHERE transfer_id = '\(transfer)'") == 2)
        let event = try #require(
            try await database.query(
                """
                SELECT aggregate_type, aggregate_id, event_type, headers, payload,
                  payload - 'legs' = jsonb_build_object(
                  'transfer_id', '\(transfer)', 'external_id', 'ext-1', 'correlation_id', 'corr-1', 'reverses', NULL,
                  'description', 'rent', 'metadata', '{"a":1.50}'::jsonb),
                  payload -> 'legs' = \(Books.transfer(250))::jsonb
                FROM outbox
                """
            ).first)
        #expect(event[0] == "transfer" && event[1] == transfer && event[2] == "transfer.posted")
        #expect(event[3] == #"{"correlation_id": "corr-1"}"#)
        #expect(event[4]?.contains("1.50") == true)
        #expect(event[5] == "t" && event[6] == "t")
    }

    @Test func leavesNothingBehindWhenItsTransactionRollsBack() async throws {
        let books = try await Books()
        try await books.database.execute("BEGIN; SELECT post_transfer(\(Books.transfer(1)), 'x'); ROLLBACK")
        let rows = try await books.database.query(
            "SELECT FROM outbox UNION ALL SELECT FROM entries UNION ALL SELECT FROM idempotency_keys")
        #expect(rows.isEmpty)
    }

    @Test func hasNoHeadersWithoutCorrelationId() async throws {
        let books = try await Books()
        _ = try await books.post(Books.transfer(1))
        #expect(try await books.database.value("SELECT headers FROM outbox") == "{}")
    }

    @Test(arguments: [
        ("NULL", "22023"), ("'{}'", "22023"), ("'[]'", "22023"), ("'[1, 2]'", "22023"), ("'[{}, {}]'", "22023"),
        (Books.legs([(Books.high, "0"), (Books.low, "0")]), "22023"),
        (Books.legs([(Books.high, "-5"), (Books.low, "6")]), "22023"),
        (Books.legs([(Books.high, "-0.5"), (Books.low, "0.5")]), "22023"),
        (Books.legs([(Books.high, "\"-5\""), (Books.low, "5")]), "22023"),
        (Books.legs([(Books.high, "null"), (Books.low, "5")]), "22023"),
        (Books.legs([("nobody", "-5"), (Books.low, "5")]), "22023"),
        (Books.legs([(Books.high, "-9223372036854775809"), (Books.low, "9223372036854775809")]), "22023"),
        (Books.legs([(Books.high, "-5"), (Books.low, "5")], asset: ""), "22023"),
        (Books.legs([(Books.high, "-5"), (Books.euro, "5")]), "23503"),
        (Books.legs([(Books.high, "-5"), ("00000000-0000-4000-8000-00000000dead", "5")]), "23503"),
        ("\(Books.transfer(5)), metadata => '[]'", "22023"),
    ])
    func refuses(_ arguments: String, _ sqlState: String) async throws {
        let books = try await Books()
        let error = await #expect(throws: PostgresError.self) { _ = try await books.post(arguments) }
        #expect(error?.sqlState == sqlState, "\(String(describing: error))")
        #expect(try await books.database.number("SELECT count(*) FROM outbox") == 0)
    }

    @Test func takesTheWholeOfBigint() async throws {
        let books = try await Books()
        let amount = Int.max
        _ = try await books.post(Books.transfer(amount))
        #expect(try await books.database.number("SELECT max(amount) FROM entries") == Int64(amount))
    }

    @Test func sameExternalIdGivesTheSameTransferAndRefusesAnother() async throws {
        let books = try await Books()
        let first = try await books.post("\(Books.transfer(7)), 'once', 'corr-1', 'rent'")
        // The same request, traced anew and with the number written differently.
        let legs = Books.legs([(Books.high, "-7.0"), (Books.low, "7")])
        #expect(try await books.post("\(legs), 'once', 'corr-2', 'rent'") == first)
        for other in ["\(Books.transfer(8)), 'once', NULL, 'rent'", "\(Books.transfer(7)), 'once', NULL, 'lent'"] {
            let error = await #expect(throws: PostgresError.self) { _ = try await books.post(other) }
            #expect(error?.sqlState == "23505")
        }
        #expect(try await books.database.number("SELECT count(*) FROM outbox") == 1)
    }

    @Test func sameExternalIdAtOnceIsPostedOnce() async throws {
        let books = try await Books()
        let ids = try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { try await books.post("\(Books.transfer(7)), 'race'") } }
            return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try await books.database.number("SELECT count(*) FROM outbox") == 1)
    }

    @Test func entriesAndTransfersAreAppendOnly() async throws {
        let books = try await Books()
        _ = try await books.post(Books.transfer(1))
        let changes = [
            "UPDATE entries SET amount = 2", "DELETE FROM entries", "TRUNCATE entries", "DELETE FROM transfers",
            "UPDATE transfers SET description = 'other'", "SET session_replication_role = replica; DELETE FROM entries",
        ]
        for change in changes {
            let error = await #expect(throws: PostgresError.self) { try await books.database.execute(change) }
            #expect(error?.sqlState == "23001", "\(change)")
        }
        #expect(try await books.database.number("SELECT count(*) FROM entries") == 2)
    }

    @Test func findsItsTablesWhateverTheSearchPath() async throws {
        let books = try await Books()
        try await books.database.execute(
            """
            CREATE SCHEMA decoy; CREATE TABLE decoy.outbox (LIKE public.outbox); SET search_path = decoy;
            SELECT public.post_transfer(\(Books.transfer(1)))
            """)
        #expect(try await books.database.number("SELECT count(*) FROM outbox") == 1)
    }

    @Test func concurrentTransfersInBothDirectionsNeverDeadlock() async throws {
        let books = try await Books()
        try await withThrowingTaskGroup { group in
            for worker in 0..<6 {
                group.addTask {
                    let (payer, payee) = worker.isMultiple(of: 2) ? (Books.high, Books.low) : (Books.low, Books.high)
                    try await books.database.withConnection { connection in
                        for _ in 0..<100 {
                            _ = try await connection.execute(
                                SQLText(
                                    trusting: "SELECT post_transfer(\(Books.transfer(1, from: payer, to: payee)))"))
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await books.database.number("SELECT count(*) FROM outbox") == 600)
        #expect(
            try await books.database.number("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                == 0)
    }

    @Test func locksAccountsInTheOrderOfTheirIds() async throws {
        let books = try await Books()
        let holder = try await books.database.connection()
        _ = try await holder.execute(
            SQLText(trusting: "BEGIN; SELECT FROM accounts WHERE id = '\(Books.low)' FOR UPDATE"))
        let posting = Task { try await books.post(Books.transfer(1, from: Books.high, to: Books.low)) }
        try await eventually("the transfer waits for the lower account") {
            try await books.database.isTrue(
                """
                SELECT EXISTS (
                  SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
                """)
        }
        // The higher account, named first in the legs, is not locked yet.
        try await books.database.execute("SELECT FROM accounts WHERE id = '\(Books.high)' FOR UPDATE NOWAIT")
        _ = try await holder.execute("COMMIT")
        #expect(try await posting.value != nil)
        await holder.close()
    }
}
