import Libpq
import PostgresOutbox
import RelayCore
import RelayRuntime
import RelayTestKit

extension Relay {
    /// A relay in this process, on a real server, with quick retries.
    init(
        on database: TestDatabase, _ sinks: [any Sink], lanes: [String: LanePolicy] = [:], usesStream: Bool = false,
        memory: Int = 64 << 20, keepPublished: Int64? = nil, clock: any RelayClock = BootClock(),
        report: @escaping @Sendable (RelayReport) -> Void = { _ in }
    ) throws {
        var policy = RelayPolicy()
        policy.usesStream = usesStream
        policy.retry = .quick
        policy.sweepInterval = 500
        policy.memory = memory
        let settings = PostgresSettings(
            target: try ConnectionTarget(parsing: database.conninfo), source: "/outbox", leaderTimeout: .seconds(2),
            configuredSinks: sinks.map(\.name),
            parkingByKey: lanes.filter { $0.value.onReject == .parkKey }.map(\.key), memory: policy.memory,
            maxSlotWAL: 1 << 30, host: "test", untilDrained: false, reachWithin: nil)
        self.init(
            settings: RelaySettings(policy: policy, lanes: lanes, keepPublished: keepPublished),
            database: PostgresDatabase(settings), sinks: sinks, clock: clock, report: report)
    }
}

extension Relay {
    /// Runs it to its end. A test that fails meanwhile leaves its scope, and would wait there for ever.
    nonisolated func running() async -> RelayExit {
        await withTaskCancellationHandler {
            await run()
        } onCancel: {
            Task { await stop() }
        }
    }
}

extension CompetingRelay {
    /// As with ``Relay``.
    nonisolated func running() async -> RelayExit {
        await withTaskCancellationHandler {
            await run()
        } onCancel: {
            Task { await stop() }
        }
    }
}

extension RetryPolicy {
    static let quick = RetryPolicy(base: 10, maximum: 50)
}

extension TestDatabase {
    /// Waits until every event is published.
    func isPublished() async throws {
        try await eventually("everything is published") {
            try await self.number("SELECT count(*) FROM outbox_unpublished") == 0
        }
    }

    /// Inserts one event of each key, in this order.
    func insert(keys: [String]) async throws {
        for key in keys {
            try await execute(
                """
                INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                VALUES ('t', '\(key)', 't.made', '{"n":1}')
                """)
        }
    }
}
