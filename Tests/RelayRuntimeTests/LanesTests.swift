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
        let relay = try Relay(on: database, [well, held, failing], usesStream: usesStream)
        async let exit = relay.running()

        for _ in 0..<20 { try await database.insert(100) }
        try await eventually("the well sink has everything") { well.ids.count == 2000 }
        #expect(failing.ids.isEmpty)
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == 0)

        failing.inject(nil)
        try await eventually("the one that failed has everything") { failing.ids.count == 2000 }
        held.inject(nil)
        try await database.isPublished()
        // Given by hand, below every cursor: to every sink, once.
        try await database.execute(
            """
            INSERT INTO outbox (id, aggregate_type, aggregate_id, event_type, payload)
            OVERRIDING SYSTEM VALUE VALUES (-5, 't', 'k', 't.owed', '{}')
            """)
        try await eventually("the late row is published") {
            try await database.number("SELECT count(*) FROM outbox_published WHERE id = -5") == 1
        }
        await relay.stop()
        #expect(await exit == .stopped)
        let expected = try await database.ids().filter { $0 > 0 }.sorted() + [-5]
        for sink in [well, held, failing] { #expect(sink.ids == expected, "\(sink.name)") }
    }

    /// What sinks that do not answer hold in memory is bounded in bytes, and leaves room for the others.
    @Test(arguments: [false, true]) func largeRowsThatAreHeldLeaveRoom(_ usesStream: Bool) async throws {
        let database = try await PrivateCluster.shared().database()
        let held = (1...4).map { MemorySink("held\($0)", .holdResponse) }
        let well = MemorySink("well")
        let relay = try Relay(on: database, held + [well], usesStream: usesStream, memory: 8 << 20)
        async let exit = relay.running()
        for _ in 0..<10 { try await database.insert(20, bytes: 100_000) }
        try await eventually("the well sink has everything") { well.ids.count == 200 }
        for sink in held { sink.inject(nil) }
        try await database.isPublished()
        for sink in held { #expect(sink.ids == well.ids) }
        await relay.stop()
        #expect(await exit == .stopped)
    }

    @Test func anAnswerThatIsLostRepeatsNoMoreThanWasInFlight() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(500)
        let sink = MemorySink("a", .failAfterWrite)
        let relay = try Relay(on: database, [sink])
        async let exit = relay.running()
        try await database.isPublished()
        await relay.stop()
        #expect(await exit == .stopped)
        let ids = sink.ids
        #expect(ids.count > 500)
        #expect(ids.count <= 1000)
        #expect(Set(ids).count == 500)
        #expect(Array(ids.suffix(500)) == (try await database.ids().sorted()))
    }
}
