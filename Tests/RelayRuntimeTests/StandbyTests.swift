import Libpq
import PostgresOutbox
import RelayCore
import RelayRuntime
import RelayTestKit
import Testing

/// What a relay that waits for the lead looks at.
@Suite struct StandbyTests {
    /// The server may be another one since the connection was lost, and somebody else may lead there.
    @Test func aStandbyMissesWhatItDeliveredAndStopsEverybody() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(keys: ["x", "y"])
        let relay = try Relay(on: database, [MemorySink("a")])
        async let exit = relay.running()
        try await database.isPublished()
        let settings = PostgresSettings(
            target: try ConnectionTarget(parsing: database.conninfo), source: "/outbox", leaderTimeout: .seconds(2),
            configuredSinks: ["a"], memory: 64 << 20, maxSlotWAL: 1 << 30, host: "test", untilDrained: false,
            reachWithin: nil)
        let error = await #expect(throws: RelayStop.self) {
            _ = try await PostgresDatabase(settings).lead(
                known: KnownProgress(), lastEpoch: 0, unsettled: [DeliveredRow(id: 1, mark: RowMark(createdAt: 7))]
            ) { _ in }
        }
        #expect(error?.wentBack == true)
        #expect(error?.message.contains("event 1, which was delivered") == true)
        guard case .stop(let stop) = await exit else {
            Issue.record("the leader goes on")
            return
        }
        #expect(stop.wentBack)
    }
}
