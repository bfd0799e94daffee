import Glibc
import Libpq
import RelayTestKit
import Testing

/// Killed at any moment, any number of times: nothing lost, few duplicates, order kept.
@Suite(.heavy) struct CrashTests {
    private static let window = 400

    @Test(arguments: Mode.allCases) func killedAtRandomMoments(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededRandom(seed: seed)
        var relays: [RelayProcess] = []
        var seen: Set<Int64> = []
        let arguments = ["--mode", mode.rawValue, "--window", "\(Self.window)", "--batch-size", "300"]
        for round in 0..<(isLongSoak ? 60 : 7) {
            try await database.insert(1500)
            let relay = try RelayProcess.run(database, arguments)
            relays.append(relay)
            // Half of them are killed while new rows come in, the others in the backlog.
            if round.isMultiple(of: 2) { async let _ = database.insert(800) }
            try await relay.waitForEvents(Int.random(in: 1...1400, using: &random))
            try await relay.kill()
            let ids = relay.output.ids
            let repeated = ids.count { seen.contains($0) }
            #expect(repeated <= Self.window, "round \(round) of seed \(seed)")
            seen.formUnion(ids)
        }
        relays.append(try await RelayProcess.drained(database, mode))
        try await expectComplete(database, relays, duplicates: relays.count * Self.window, comment: "seed \(seed)")
    }

    /// The draws are in the server's memory only, so after its crash the same ids are drawn again.
    @Test(arguments: Mode.allCases) func idsDrawnAgainAfterACrashOfTheServer(_ mode: Mode) async throws {
        let cluster = try await PrivateCluster.start(settings: ["wal_writer_delay": "10s", "autovacuum": "off"])
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(5))
        try await database.becomesSettled()
        var (before, last): (Int64, Int64) = (0, 0)
        // On a busy machine the server may write its log between the draws and its end: then they are not drawn again.
        for _ in 0..<5 where last >= before {
            before = try await database.withConnection { connection in
                try await connection.execute(
                    "BEGIN; SELECT nextval('outbox_id_seq') FROM generate_series(1, 300); ROLLBACK")
                return try await connection.query("SELECT last_value FROM outbox_id_seq").int(0, 0) ?? 0
            }
            try await cluster.restart(mode: .immediate)
            last = try await database.insert(5)
        }
        #expect(last < before, "the server kept the draws: the test shows nothing")
        try await relay.waitForEvent(id: last)
        try await database.becomesSettled()
        #expect(relay.log.entries(of: "went_back").isEmpty)
        #expect(try await relay.stop() == .exited(0))
        try await expectComplete(database, [relay])
    }
}
