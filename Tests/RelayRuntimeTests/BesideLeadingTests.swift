import Libpq
import RelayCore
import RelayRuntime
import RelayTestKit
import Synchronization
import Testing

/// What a leader does beside leading: it reminds of sinks that nobody serves, and purges.
@Suite struct BesideLeadingTests {
    /// What is due by the minute or by the hour is due soon.
    private struct HastyClock: RelayClock {
        private let clock = BootClock()

        var tasks: (any TaskExecutor)? { nil }
        var now: Int64 { clock.now }

        func sleep(until time: Int64) async {
            await clock.sleep(until: time - now > 30_000 ? now + 200 : time)
        }
    }

    private final class Reports: Sendable {
        private let all = Mutex<[RelayReport]>([])

        func take(_ report: RelayReport) { all.withLock { $0.append(report) } }

        /// What was told of sinks that nobody serves: what each holds, -1 where that was not said.
        var held: [Int64] {
            all.withLock { reports in
                reports.compactMap { report -> Int64? in
                    guard case .unconfiguredSink("archive", let held) = report else { return nil }
                    return held?.rows ?? -1
                }
            }
        }

        /// What was told of purging.
        var purged: [PurgeSummary] {
            all.withLock { reports in
                reports.compactMap { report -> PurgeSummary? in
                    guard case .purged(let summary) = report else { return nil }
                    return summary
                }
            }
        }

        /// Why purging failed.
        var failures: [String] {
            all.withLock { reports in
                reports.compactMap { report -> String? in
                    guard case .failed("purging published events", let reason) = report else { return nil }
                    return reason
                }
            }
        }
    }

    private func published(_ database: TestDatabase) async throws -> [Int64] {
        try await database.numbers("SELECT id FROM outbox_published ORDER BY id")
    }

    @Test func aForgottenSinkIsNamedAtTheStartAndEveryHour() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(5)
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('archive', NULL)")
        let reports = Reports()
        let relay = try Relay(on: database, [MemorySink("a")], clock: HastyClock(), report: reports.take)
        async let exit = relay.running()
        try await eventually("it is named again and again") { reports.held.count { $0 == 5 } >= 3 }
        // What cannot be counted is named all the same.
        let holder = try await database.connection()
        try await holder.execute("BEGIN; LOCK TABLE outbox_unpublished IN ACCESS EXCLUSIVE MODE")
        try await eventually("it is named without numbers") { reports.held.suffix(3) == [-1, -1, -1] }
        try await holder.execute("COMMIT")
        await holder.close()
        let told = reports.held.count { $0 == 5 }
        try await eventually("it is counted once more") { reports.held.count { $0 == 5 } > told }
        await relay.stop()
        let end = await exit
        #expect(end == .stopped)
    }

    @Test func theLeaderPurgesWhatIsOldAndGoesOn() async throws {
        let database = try await PrivateCluster.shared().database()
        let (reports, sink) = (Reports(), MemorySink("a"))
        let relay = try Relay(
            on: database, [sink], keepPublished: 3_600_000, clock: HastyClock(), report: reports.take)
        async let exit = relay.running()
        try await database.insert(20)
        try await database.isPublished()
        try await database.execute("UPDATE outbox SET published_at = now() - interval '2 h' WHERE id <= 15")
        try await eventually("they are purged") { try await published(database) == Array(16...20) }
        try await database.insert(5)
        try await database.isPublished()
        #expect(sink.ids == Array(1...25))
        #expect(reports.failures == [])
        #expect(reports.purged == [PurgeSummary(count: 15, lastID: 15)])
        await relay.stop()
        let end = await exit
        #expect(end == .stopped)
        #expect(try await published(database) == Array(16...25))
    }

    /// It is told, and tried again; deliveries go on.
    @Test func aPurgeThatFailsEndsNothing() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute(
            """
            CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'for the auditors'; END $$;
            CREATE TRIGGER keep BEFORE DELETE ON outbox_published FOR EACH ROW EXECUTE FUNCTION keep();
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload, published_at)
              VALUES ('t', 'a', 't.made', '{}', now() - interval '2 h')
            """)
        let (reports, sink) = (Reports(), MemorySink("a"))
        let relay = try Relay(
            on: database, [sink], keepPublished: 3_600_000, clock: HastyClock(), report: reports.take)
        async let exit = relay.running()
        try await eventually("the failure is told") {
            reports.failures.contains { $0.contains("event 1 stays") && $0.contains("for the auditors") }
        }
        try await database.insert(5)
        try await database.isPublished()
        #expect(sink.ids == Array(2...6))
        try await database.execute("DROP TRIGGER keep ON outbox_published")
        try await eventually("it goes") { try await published(database) == Array(2...6) }
        await relay.stop()
        let end = await exit
        #expect(end == .stopped)
    }
}
