import PostgresOutbox
import RelayCore
import RelayTestKit
import Testing

/// Once a successor has raised the epoch, nothing that a work session does takes effect.
@Suite struct DeposedTests {
    enum Work: CaseIterable, Sendable {
        case settling, settlingInClaim, sweeping, fixingStarts

        func run(on session: WorkSession) async throws {
            let lane = LaneProgress(sink: "a", generation: 1, done: [2, 3])
            switch self {
            case .settling, .settlingInClaim: _ = try await session.settle([lane], inClaim: self == .settlingInClaim)
            case .sweeping: _ = try await session.sweep(SweepRequest(tail: 3), known: KnownProgress())
            case .fixingStarts: _ = try await session.fixStarts(closedThrough: 3, firstScanIsOver: true)
            }
        }
    }

    @Test(arguments: Work.allCases) func nothingIsWritten(_ what: Work) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        // Row 1 is owed, and b would begin below it.
        try await database.register(["a": 1])
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('b', 'oldest')")
        try await database.withWork { work in
            if what == .settlingInClaim { _ = try await work.claimed(3) }
            try await database.execute("UPDATE outbox_leader SET epoch = epoch + 1")
            await #expect(throws: Deposed()) { try await what.run(on: work) }
            #expect(try await database.cursors() == ["a 1 earned", "b 0"])
            #expect(try await database.published() == [])
            #expect(try await database.owed() == [])
            #expect(try await database.lines("SELECT start FROM outbox_sink") == ["oldest"])
            #expect(try await database.unlocked() == [1, 2, 3], "nothing stays locked")
        }
    }
}
