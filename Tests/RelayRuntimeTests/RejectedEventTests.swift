import Libpq
import PostgresOutbox
import RelayCore
import RelayRuntime
import RelayTestKit
import SinkConformance
import Testing

/// Rejected events on a real server: parked with a copy of their own, tried again, discarded. Event 13 is the rejected
/// one.
@Suite struct RejectedEventTests {
    private let sink = MemorySink("a", .reject)
    /// 13 and 16 have the key x, all others another.
    private let keys = (1...20).map { [13, 16].contains($0) ? "x" : "k\($0)" }

    @Test(arguments: [LanePolicy.Order.id, .key(concurrency: 4, batch: 1)])
    func aRejectedEventIsParkedAndTheRestGoesOn(_ order: LanePolicy.Order) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try Relay(
            on: database, [sink], lanes: ["a": LanePolicy(order: order, onReject: .park, retry: .quick)])
        async let exit = relay.running()
        try await database.insert(keys: keys)
        try await database.isPublished()
        #expect(Set(sink.ids) == Set((1...20).filter { $0 != 13 }))
        #expect(try await database.parked == [[13]])
        // The copy is the parked event's own.
        try await database.execute("DELETE FROM outbox_published WHERE id = 13")
        sink.inject(nil)
        try await database.request("retry", 13)
        try await eventually("nothing is parked") { try await database.parked == [] }
        #expect(sink.ids.last == 13)
        await relay.stop()
        #expect(await exit == .stopped)
    }

    @Test(arguments: [LanePolicy.Order.id, .key(concurrency: 4, batch: 1)])
    func laterEventsOfTheKeyWaitBehindIt(_ order: LanePolicy.Order) async throws {
        let database = try await PrivateCluster.shared().database()
        let lanes = ["a": LanePolicy(order: order, onReject: .parkKey, retry: .quick)]
        let relay = try Relay(on: database, [sink], lanes: lanes)
        async let exit = relay.running()
        try await database.insert(keys: keys)
        try await database.isPublished()
        #expect(try await database.parked == [[13], [16, 13]])
        // Alone it would overtake the one before it.
        try await database.request("retry", 16)
        try await stays("16 waits", for: .milliseconds(700)) { !sink.ids.contains(16) }
        // Rejected once more: whoever is behind it is asked for no longer.
        try await database.request("retry", 13)
        try await eventually("13 was tried again") {
            try await database.isTrue(
                "SELECT EXISTS (SELECT FROM outbox_parked WHERE attempts = 2 AND requested IS NULL)")
        }
        #expect(try await !database.isTrue("SELECT EXISTS (SELECT FROM outbox_parked WHERE requested IS NOT NULL)"))
        await relay.stop()
        #expect(await exit == .stopped)

        // Another process knows which keys are parked.
        let next = try Relay(on: database, [sink], lanes: lanes)
        async let end = next.running()
        try await database.insert(keys: ["x", "y"])
        try await database.isPublished()
        #expect(try await database.parked == [[13], [16, 13], [21, 13]])
        sink.inject(nil)
        try await database.execute("UPDATE outbox_parked SET requested = 'retry'")
        try await eventually("nothing is parked") { try await database.parked == [] }
        #expect(sink.ids.suffix(3) == [13, 16, 21])
        // The key is free.
        try await database.insert(keys: ["x"])
        try await eventually("23 came") { sink.ids.last == 23 }
        await next.stop()
        #expect(await end == .stopped)
    }

    /// Whatever a receiver says, no settlement fails for it.
    @Test func aReasonThatTheDatabaseCannotStoreIsStoredAsFarAsItCan() async throws {
        let database = try await PrivateCluster.shared().database(encoding: "LATIN1")
        let sink = MemorySink("a", .reject, refusal: "不 no\u{0}…")
        let relay = try Relay(on: database, [sink], lanes: ["a": LanePolicy(onReject: .park, retry: .quick)])
        async let exit = relay.running()
        try await database.insert(keys: keys)
        try await database.isPublished()
        #expect(try await database.value("SELECT reason FROM outbox_parked") == "? no??")
        await relay.stop()
        #expect(await exit == .stopped)
    }

    /// What a receiver says is stored as it is, and is never a statement.
    @Test(arguments: [
        "no '\u{301}",
        "\u{0D4E}', NULL); UPDATE outbox SET published_at = now(); DELETE FROM outbox_sink --",
        "\u{0D4E}') ON CONFLICT DO NOTHING; UPDATE outbox SET published_at = now(); DELETE FROM outbox_sink --",
    ])
    func aReasonIsNoStatement(_ reason: String) async throws {
        let database = try await PrivateCluster.shared().database()
        let sink = MemorySink("a", .reject, refusal: reason)
        let blocking = try Relay(on: database, [sink], lanes: ["a": LanePolicy(retry: .quick)])
        async let exit = blocking.running()
        try await database.insert(keys: keys)
        try await eventually("the reason is noted") {
            try await database.isTrue("SELECT EXISTS (SELECT FROM outbox_sink_state WHERE last_error IS NOT NULL)")
        }
        #expect(try await database.value("SELECT last_error FROM outbox_sink_state") == reason)
        #expect(try await database.isTrue("SELECT count(*) = 8 FROM outbox_unpublished WHERE id >= 13"))
        await blocking.stop()
        #expect(await exit == .stopped)

        let parking = try Relay(on: database, [sink], lanes: ["a": LanePolicy(onReject: .park, retry: .quick)])
        async let end = parking.running()
        try await database.isPublished()
        #expect(try await database.value("SELECT reason FROM outbox_parked") == reason)
        #expect(Set(sink.ids) == Set((1...20).filter { $0 != 13 }))
        await parking.stop()
        #expect(await end == .stopped)
    }

    /// As after sinks remove: whoever waited for it would wait for ever.
    @Test func aRetryForASinkThatIsGoneIsRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
              reason) VALUES ('a', 1, 't', 'k', 't.made', '{}', '{}', now(), 'no')
            """)
        let session = try await AdministrationConnector(ConnectionTarget(parsing: database.conninfo)).connect()
        let parked = ParkedEvents(session, sink: "a")
        let refusal = await #expect(throws: Refusal.self) { _ = try await parked.ask(.retry, nil) }
        #expect(refusal?.message.contains("sink a is not registered") == true)
        #expect(try await parked.ask(.discard, nil).count == 1)
        await session.close()
    }

    @Test func aDiscardedEventIsGoneAndFreesItsKey() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try Relay(on: database, [sink], lanes: ["a": LanePolicy(onReject: .parkKey, retry: .quick)])
        async let exit = relay.running()
        try await database.insert(keys: keys)
        try await database.isPublished()
        try await database.execute("UPDATE outbox_parked SET requested = 'discard'")
        try await eventually("nothing is parked") { try await database.parked == [] }
        try await database.insert(keys: ["x"])
        try await eventually("21 came") { sink.ids.last == 21 }
        #expect(!sink.ids.contains(13))
        #expect(!sink.ids.contains(16))
        await relay.stop()
        #expect(await exit == .stopped)
    }

    /// Neither a sink that is down nor one that is gone keeps another's events from being tried again.
    @Test func retriesOfOneSinkDoNotWaitForThoseOfAnother() async throws {
        let database = try await PrivateCluster.shared().database()
        let later = MemorySink("b", .reject)
        let relay = try Relay(on: database, [later], lanes: ["b": LanePolicy(onReject: .park, retry: .quick)])
        async let exit = relay.running()
        try await database.insert(keys: keys)
        try await database.isPublished()
        try await database.execute(
            """
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
              reason, requested, requested_at)
            SELECT 'a', 100 + n, 't', 'k', 't.made', '{}', '{}', now(), 'no', 'retry', now()
            FROM generate_series(1, 2000) AS n
            """)
        later.inject(nil)
        try await database.request("retry", 13)
        try await eventually("13 is parked no longer") {
            try await !database.isTrue("SELECT EXISTS (SELECT FROM outbox_parked WHERE sink = 'b')")
        }
        #expect(later.ids.last == 13)
        await relay.stop()
        #expect(await exit == .stopped)
    }

    @Test func blockedIsTheLaneAndNothingIsParked() async throws {
        let database = try await PrivateCluster.shared().database()
        let other = MemorySink("b")
        let relay = try Relay(on: database, [sink, other])
        async let exit = relay.running()
        try await database.insert(keys: keys)
        try await eventually("the other has everything") { other.ids.count == 20 }
        try await eventually("all below is settled") {
            try await database.number("SELECT delivered_through FROM outbox_sink WHERE name = 'a'") == 12
        }
        #expect(try await database.value("SELECT state FROM outbox_sink_state WHERE sink = 'a'") == "blocked")
        #expect(try await database.parked == [])
        sink.inject(nil)
        try await database.isPublished()
        #expect(sink.ids == Array(1...20))
        await relay.stop()
        #expect(await exit == .stopped)
    }
}

extension TestDatabase {
    /// Ids that are parked, each with the one that it is behind.
    fileprivate var parked: [[Int64]] {
        get async throws {
            try await query("SELECT id, behind FROM outbox_parked ORDER BY id").map { row in
                row.compactMap { $0.flatMap(Int64.init) }
            }
        }
    }

    fileprivate func request(_ what: String, _ id: Int64) async throws {
        try await execute("UPDATE outbox_parked SET requested = '\(what)' WHERE id = \(id)")
    }
}
