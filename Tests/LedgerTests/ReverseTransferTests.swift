import Libpq
import RelayTestKit
import Testing

@Suite struct ReverseTransferTests {
    @Test func postsTheOppositeWithItsEvent() async throws {
        let books = try await Books()
        let original = try #require(try await books.post("\(Books.transfer(30)), 'ext', 'corr'"))
        let reversal = try #require(try await books.database.value("SELECT reverse_transfer('\(original)', 'mistake')"))
        #expect(reversal != original)
        #expect(try await books.database.numbers("SELECT sum(amount) FROM entries GROUP BY account_id") == [0, 0])
        let event = try #require(
            try await books.database.query(
                """
                SELECT event_type, aggregate_id, payload ->> 'transfer_id', payload ->> 'reverses',
                  payload ->> 'description', headers ->> 'correlation_id', payload #>> '{legs,0,amount}'
                FROM outbox ORDER BY id DESC LIMIT 1
                """
            ).first)
        #expect(event == ["transfer.reversed", reversal, reversal, original, "mistake", "corr", "30"])
    }

    @Test func happensOnce() async throws {
        let books = try await Books()
        let original = try #require(try await books.post(Books.transfer(30)))
        let outcomes = await withTaskGroup { group in
            for _ in 0..<4 {
                group.addTask { () -> String? in
                    do {
                        try await books.database.execute("SELECT reverse_transfer('\(original)', 'mistake')")
                        return nil
                    } catch {
                        return (error as? PostgresError)?.sqlState ?? "\(error)"
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == 1)
        #expect(outcomes.filter { $0 == "23505" }.count == 3)
        #expect(try await books.database.number("SELECT count(*) FROM outbox") == 2)
    }

    @Test func refusesWhatIsNotThere() async throws {
        let books = try await Books()
        let error = await #expect(throws: PostgresError.self) {
            try await books.database.execute("SELECT reverse_transfer(gen_random_uuid(), 'mistake')")
        }
        #expect(error?.sqlState == "P0002")
    }
}
