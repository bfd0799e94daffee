import Libpq
import RelayTestKit
import Testing

@testable import PostgresOutbox
@testable import RelayCore

/// What a claim locks and reads, and what is looked up in its gaps.
@Suite struct ClaimingTests {
    private func request(
        after: Int64 = 0, below: Int64? = nil, rows: Int = 100, bytes: Int = 1 << 20, probesFirst: Bool = false
    ) -> ClaimRequest {
        ClaimRequest(after: after, below: below, rows: rows, bytes: bytes, probesFirst: probesFirst)
    }

    private func state(of work: WorkSession, _ database: TestDatabase) async throws -> String? {
        try await database.value("SELECT state FROM pg_stat_activity WHERE pid = \(work.pid)")
    }

    @Test func theLowestAreReadInOrderAndLockedUntilTheEnd() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.withWork { work in
            let claim = try await work.claim(request(rows: 3))
            #expect(claim.isOpen)
            #expect(claim.rows.ids == [1, 2, 3] && claim.rows.batch?.ids == [1, 2, 3])
            #expect(!claim.rows.reachedEnd)
            #expect(claim.lastValue == 5)
            #expect(try await database.unlocked() == [4, 5])
            try await work.endClaim()
            #expect(try await database.unlocked() == [1, 2, 3, 4, 5])
        }
    }

    /// The portion after the last row brings none: what the sequence said with the last row still bounds them.
    @Test func rowsThatFillAPortionAreBoundedByTheSequence() async throws {
        let database = try await PrivateCluster.shared().database()
        // As many as fit at first: a row counts for 64 KiB before any was seen.
        try await database.insert(16)
        try await database.withWork { work in
            let claim = try await work.claim(request())
            #expect(claim.rows.ids == Array(1...16) && claim.rows.reachedEnd)
            #expect(claim.lastValue == 16)
        }
    }

    @Test func theSecondClaimGoesOnBehindTheFirst() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.withWork { work in
            _ = try await work.claim(request(rows: 3))
            try await work.endClaim()
            let second = try await work.claim(request(after: 3, rows: 3))
            #expect(second.rows.ids == [4, 5] && second.rows.reachedEnd)
        }
    }

    @Test func rowsThatSomebodyHasLockedAreLeftOut() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.withWork { work in
            try await database.withConnection { other in
                try await other.execute("BEGIN; SELECT FROM outbox_unpublished WHERE id = 2 FOR UPDATE")
                let claim = try await work.claim(request())
                #expect(claim.rows.ids == [1, 3] && claim.rows.reachedEnd)
            }
        }
    }

    @Test(arguments: [false, true]) func onlyRowsBelowABoundAreClaimed(_ probesFirst: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.withWork { work in
            let claim = try await work.claim(request(after: 1, below: 4, probesFirst: probesFirst))
            #expect(claim.rows.ids == [2, 3] && claim.rows.reachedEnd)
            try await work.endClaim()
            let between = try await work.claim(request(after: 3, below: 4, probesFirst: probesFirst))
            #expect(between.rows.batch == nil)
        }
    }

    @Test(arguments: [false, true]) func whereThereIsNothingNoTransactionStaysOpen(_ probesFirst: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.withWork { work in
            let claim = try await work.claim(request(after: 3, probesFirst: probesFirst))
            #expect(!claim.isOpen && claim.rows.batch == nil && claim.rows.reachedEnd)
            #expect(claim.lastValue == nil)
            #expect(try await state(of: work, database) == "idle")
        }
    }

    /// A batch takes rows until it is full, and the last of them may stand out.
    @Test func bytesEndABatch() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(10, bytes: 4000)
        try await database.withWork { work in
            var ids: [Int64] = []
            while ids.count < 10 {
                let claim = try await work.claim(request(after: ids.last ?? 0, bytes: 10_000))
                try #require(claim.rows.ids.isEmpty == false)
                #expect(claim.rows.ids.count <= 3)
                #expect(claim.rows.reachedEnd == (claim.rows.ids.last == 10))
                ids += claim.rows.ids
                try await work.endClaim()
            }
            #expect(ids == Array(1...10))
        }
    }

    /// What lies before a row that cannot be read is claimed; the row is named where the claim comes to it.
    @Test func aRowThatCannotBeReadEndsTheClaimBeforeIt() async throws {
        let database = try await PrivateCluster.shared().database(encoding: "SQL_ASCII")
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', CASE n WHEN 4 THEN chr(252) ELSE 'k' END, 't.made', '{}' FROM generate_series(1, 5) AS n
            """)
        try await database.withWork { work in
            let before = try await work.claim(request())
            #expect(before.rows.ids == [1, 2, 3] && before.isOpen)
            #expect(before.rows.faults.map(\.id) == [4] && before.rows.faults.first?.work == .read)
            #expect(!before.rows.reachedEnd, "there is more, though nobody can read it")
            try await work.endClaim()
            let first = try await work.claim(request(after: 3))
            #expect(first.rows.batch == nil && first.rows.faults.map(\.id) == [4])
            #expect(!first.rows.reachedEnd && !first.isOpen)
            let short = try await work.claim(request(rows: 2))
            #expect(short.rows.ids == [1, 2] && short.rows.faults.isEmpty)
        }
    }

    /// What was committed since the claim is seen, in both leaves, and nothing but the gap is looked at.
    @Test func aGapIsLookedUpByANewStatement() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(2)
        try await database.insert(id: 10)
        try await database.withWork { work in
            #expect(try await work.claim(request(after: 2)).rows.ids == [10])
            try await database.insert(id: 5)
            try await database.execute("UPDATE outbox SET published_at = now() WHERE id = 2")
            let looked = try await work.recheckGaps(IDRanges([IDRange(2, 4), IDRange(5, 9)]))
            #expect(looked == RowsInGaps(unpublished: [5], published: [2]))
            #expect(try await database.unlocked() == [1, 5], "the claim is open still")
        }
    }

    @Test func aLookIsBounded() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(1200)
        try await database.withWork { work in
            let looked = try await work.recheckGaps(IDRanges([IDRange(1, 50), IDRange(101, 5000)]))
            #expect(looked.unpublished == Array(1...50) + Array(101...1050))
        }
    }
}
