import Libpq
import RelayTestKit
import Testing

/// Many connections at once.
@Suite struct ConcurrencyTests {
    /// What may be refused while others are at the same accounts and transfers. A deadlock (40P01) is not among it.
    private static let ordinary: Set<Refusal> = [
        .negative, .alreadyReversed, .nothingSettled, .notAHold, .nothingHeld, .beyondHold, .externalIDUsed,
    ]

    /// Whatever they do to a few accounts, none waits for another in a circle, and nothing is lost.
    @Test(arguments: [UInt64(1), 2, 3]) func manyShareFewAccounts(seed: UInt64) async throws {
        try await Turn.heavy.take {
            let books = try await SharedBooks()
            let answers = try await withThrowingTaskGroup { group in
                for worker in 0..<UInt64(8) {
                    group.addTask {
                        try await books.database.withConnection { connection in
                            var rival = Rival(seed: seed &* 1000 &+ worker, books, connection)
                            return try await rival.act(times: 60)
                        }
                    }
                }
                return try await group.reduce(into: [Refusal?: Int]()) { $0.merge($1, uniquingKeysWith: +) }
            }
            #expect(Set(answers.keys.compactMap(\.self)).isSubset(of: Self.ordinary), "seed \(seed): \(answers)")
            try await books.expectConservation("seed \(seed): \(answers)")
            // It was no idle run.
            #expect(try await books.database.number("SELECT count(DISTINCT step) FROM transfers") == 5)
        }
    }

    /// However many ask at once, over and over.
    @Test func retriesOfOneExternalIDMakeOneTransfer() async throws {
        let books = try await SharedBooks()
        let rounds = 12
        let given = try await withThrowingTaskGroup { group in
            for _ in 0..<6 {
                group.addTask {
                    try await books.database.withConnection { connection in
                        var ids: [Result<String, Refusal>] = []
                        for round in 0..<rounds {
                            ids.append(try await connection.ask(books.post(1, externalID: "round \(round)")))
                        }
                        return ids
                    }
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        // All were given the same, each of which is a transfer.
        #expect(given.count == 6 && Set(given).count == 1, "\(given)")
        #expect(try given.first.map { try Set($0.map { try $0.get() }).count } == rounds)
        #expect(try await books.database.number("SELECT count(*) FROM transfers") == Int64(rounds))
        try await books.expectConservation("")
    }

    /// Whoever asks while another one is posting waits for what becomes of it.
    @Test(arguments: ["COMMIT", "ROLLBACK"]) func aRetryWaitsForTheFirst(outcome: String) async throws {
        let books = try await SharedBooks()
        let first = try await books.database.connection()
        try await first.execute("BEGIN")
        let begun = try await first.ask(books.post(5, externalID: "once"))
        let retry = Task {
            try await books.database.withConnection { try await $0.ask(books.post(5, externalID: "once")) }
        }
        try await books.database.waitsForLock("the retry waits for the first")
        try await first.execute(SQLText(trusting: outcome))
        await first.close()
        let id = try await retry.value.get()
        #expect((try begun.get() == id) == (outcome == "COMMIT"))
        #expect(try await books.database.query("SELECT id FROM transfers") == [[id]])
        try await books.expectConservation("")
    }
}

extension TestDatabase {
    /// Waits until a session waits for what another one has locked.
    func waitsForLock(_ what: String) async throws {
        try await eventually(what) {
            try await isTrue(
                """
                SELECT EXISTS (
                  SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
                """)
        }
    }
}
