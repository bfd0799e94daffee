import Libpq
import PostgresOutbox
import RelayCore
import RelayRuntime
import RelayTestKit
import SinkConformance
import Synchronization
import Testing

/// Relays that share the load without order, on a real server.
@Suite struct CompetingTests {
    @Test func eachEventIsDeliveredByOne() async throws {
        let database = try await PrivateCluster.shared().database()
        let sinks = (1...3).map { _ in MemorySink("a") }
        let relays = try sinks.map { try CompetingRelay(on: database, $0) }
        let exits = Task {
            await withTaskGroup(of: RelayExit.self) { group in
                for relay in relays { group.addTask { await relay.run() } }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        for _ in 0..<30 { try await database.insert(100) }
        try await database.isPublished()
        for relay in relays { await relay.stop() }
        #expect(await exits.value == [.stopped, .stopped, .stopped])
        #expect(sinks.flatMap(\.ids).sorted() == (try await database.ids()))
    }

    @Test func untilDrainedWaitsForWhatAnotherHolds() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(1)
        let held = MemorySink("a", .holdResponse)
        let other = MemorySink("a")
        // Its claim must outlast the wait for the second, however busy the machine is.
        let slow = try CompetingRelay(on: database, held, claimTimeout: 60_000)
        async let slowExit = slow.running()
        try await eventually("the first holds its event") { held.isHolding }
        let quick = try CompetingRelay(on: database, other, untilDrained: true)
        async let quickExit = quick.running()
        try await database.insert(50)
        try await eventually("the second has the others") { other.ids.count == 50 }
        held.inject(nil)
        #expect(await quickExit == .drained)
        #expect(held.ids == [1])
        await slow.stop()
        #expect(await slowExit == .stopped)
    }

    @Test func aClaimThatIsNotDeliveredInTimeIsFreeForOthers() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20)
        let held = MemorySink("a", .holdResponse)
        let other = MemorySink("a")
        let slow = try CompetingRelay(on: database, held, claimTimeout: 300)
        async let slowExit = slow.running()
        try await eventually("the first holds the events") { held.isHolding }
        let quick = try CompetingRelay(on: database, other)
        async let quickExit = quick.running()
        try await eventually("the second has them") { other.ids.count == 20 }
        try await database.isPublished()
        await slow.stop()
        await quick.stop()
        #expect(await slowExit == .stopped)
        #expect(await quickExit == .stopped)
    }

    @Test func aRegisteredSinkStopsIt() async throws {
        let database = try await PrivateCluster.shared().database()
        let sink = MemorySink("a")
        let relay = try CompetingRelay(on: database, sink)
        async let exit = relay.running()
        try await database.insert(1)
        try await database.isPublished()
        try await database.execute("INSERT INTO outbox_sink (name) VALUES ('audit')")
        try await database.insert(1)
        guard case .stop(let stop) = await exit else {
            Issue.record("it went on")
            return
        }
        #expect(stop.reason == .configuration)
        #expect(stop.message.contains("audit"))
        #expect(sink.ids == [1])
    }

    /// Its id is in the published leaf already, as after a restore: it is delivered, and not again and again.
    @Test func aRowThatCannotBeMarkedIsDeliveredOnce() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(3)
        try await database.execute(
            """
            INSERT INTO outbox_published (id, aggregate_type, aggregate_id, event_type, payload, published_at)
            OVERRIDING SYSTEM VALUE SELECT id, aggregate_type, aggregate_id, event_type, payload, now()
            FROM outbox_unpublished WHERE id = 2
            """)
        let sink = MemorySink("a")
        let faults = Faults()
        let relay = try CompetingRelay(on: database, sink, faults: faults)
        async let exit = relay.running()
        try await eventually("the others are published") {
            try await database.numbers("SELECT id FROM outbox_unpublished") == [2]
        }
        let last = try await database.insert(1)
        try await eventually("a new one comes") { sink.ids.contains(last) }
        #expect(sink.ids == [1, 2, 3, last])
        #expect(faults.all.map(\.id) == [2] && faults.all.map(\.work) == [.mark])
        // Somebody removes what was restored: the mark is made by itself, and nothing is sent again.
        try await database.execute("DELETE FROM outbox_published WHERE id = 2")
        try await database.isPublished()
        #expect(sink.ids == [1, 2, 3, last])
        await relay.stop()
        #expect(await exit == .stopped)
    }

    @Test func aRejectedEventIsParked() async throws {
        let database = try await PrivateCluster.shared().database()
        let sink = MemorySink("a", .reject)
        let relay = try CompetingRelay(on: database, sink, onReject: .park)
        async let exit = relay.running()
        try await database.insert(20)
        try await database.isPublished()
        #expect(try await database.numbers("SELECT id FROM outbox_parked") == [13])
        #expect(sink.ids == (1...20).filter { $0 != 13 })
        await relay.stop()
        #expect(await exit == .stopped)
    }
}

/// The faults of rows that a relay reports.
final class Faults: Sendable {
    private let reported = Mutex<[RowFault]>([])

    var all: [RowFault] { reported.withLock { $0 } }

    func take(_ report: RelayReport) {
        if case .rowFault(let fault) = report { reported.withLock { $0.append(fault) } }
    }
}

extension CompetingRelay {
    init(
        on database: TestDatabase, _ sink: MemorySink, claimTimeout: Int64 = 5000, untilDrained: Bool = false,
        onReject: LanePolicy.OnReject = .block, faults: Faults = Faults()
    ) throws {
        var policy = RelayPolicy()
        policy.untilDrained = untilDrained
        let lane = LanePolicy(onReject: onReject, retry: .quick)
        let settings = PostgresSettings(
            target: try ConnectionTarget(parsing: database.conninfo), source: "/outbox", leaderTimeout: .seconds(2),
            configuredSinks: [], memory: policy.memory, maxSlotWAL: 1 << 30, host: "test", untilDrained: untilDrained,
            reachWithin: nil)
        self.init(
            settings: RelaySettings(policy: policy, lanes: [sink.name: lane]), claimTimeout: claimTimeout,
            outbox: PostgresCompetition(settings, claimTimeout: .milliseconds(claimTimeout)), sink: sink
        ) { faults.take($0) }
    }
}
