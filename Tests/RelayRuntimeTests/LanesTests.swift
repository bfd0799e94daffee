import Libpq
import PostgresOutbox
import RelayCore
import RelayRuntime
import RelayTestKit
import SinkConformance
import Testing

/// Several sinks on one outbox, on a real server: none delays another, and each has everything once it may.
@Suite struct LanesTests {
    @Test(arguments: [false, true]) func oneIsHeldAndOneFails(_ usesStream: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        let well = MemorySink("well")
        let held = MemorySink("held", .holdResponse)
        let failing = MemorySink("failing", .outage)
        let relay = try start(database, [well, held, failing], usesStream)
        async let exit = relay.run()

        for _ in 0..<20 { try await database.insert(100) }
        try await eventually("the well sink has everything") { well.ids.count == 2000 }
        #expect(failing.ids.isEmpty)
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == 0)

        failing.inject(nil)
        try await eventually("the one that failed has everything") { failing.ids.count == 2000 }
        held.inject(nil)
        try await eventually("everything is published") {
            try await database.number("SELECT count(*) FROM outbox_unpublished") == 0
        }
        // Given by hand, below every cursor: to every sink, once.
        try await database.execute(
            """
            INSERT INTO outbox (id, aggregate_type, aggregate_id, event_type, payload)
            OVERRIDING SYSTEM VALUE VALUES (-5, 't', 'k', 't.late', '{}')
            """)
        try await eventually("the late row is published") {
            try await database.number("SELECT count(*) FROM outbox_published WHERE id = -5") == 1
        }
        await relay.stop()
        #expect(await exit == .stopped)
        let expected = try await database.ids().filter { $0 > 0 }.sorted() + [-5]
        for sink in [well, held, failing] { #expect(sink.ids == expected, "\(sink.name)") }
    }

    @Test func anAnswerThatIsLostRepeatsNoMoreThanWasInFlight() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(500)
        let sink = MemorySink("a", .failAfterWrite)
        let relay = try start(database, [sink], false)
        async let exit = relay.run()
        try await eventually("everything is published") {
            try await database.number("SELECT count(*) FROM outbox_unpublished") == 0
        }
        await relay.stop()
        #expect(await exit == .stopped)
        let ids = sink.ids
        #expect(ids.count > 500)
        #expect(ids.count <= 1000)
        #expect(Set(ids).count == 500)
        #expect(Array(ids.suffix(500)) == (try await database.ids().sorted()))
    }

    private func start(_ database: TestDatabase, _ sinks: [MemorySink], _ usesStream: Bool) throws -> Relay {
        var policy = RelayPolicy()
        policy.usesStream = usesStream
        policy.retry = RetryPolicy(base: 10, maximum: 50)
        policy.sweepInterval = 500
        let settings = PostgresSettings(
            target: try ConnectionTarget(parsing: database.conninfo), source: "/outbox", leaderTimeout: .seconds(2),
            configuredSinks: sinks.map(\.name), memory: policy.memory, maxSlotWAL: 1 << 30, host: "test",
            untilDrained: false, reachWithin: nil)
        return Relay(
            settings: RelaySettings(policy: policy), database: PostgresDatabase(settings), sinks: sinks
        ) { _ in }
    }
}
