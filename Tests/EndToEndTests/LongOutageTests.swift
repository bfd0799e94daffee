import RelayTestKit
import Synchronization
import Testing
import WebhookReceiver

/// A webhook that is down while events go on: 200,000 of them in the long form.
@Suite(.heavy) struct LongOutageTests {
    private let events = isLongSoak ? 200_000 : 20_000

    @Test(arguments: Mode.allCases) func theOthersDoNotNotice(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver(keeps: false) { _ in ReceiverAnswer(503) }
        let arrived = Arrivals()
        let configuration = try folder.configuration(
            """
            memory: 16MiB
            sinks:
              - {to: "file:FOLDER/all.jsonl"}
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", batch: 100, retry: {base: 10ms, max: 200ms}}
            """)
        let relay = try await RelayProcess.leading(database, mode, configuration)
        let portion = 500
        for _ in 0..<(events / portion) { try await insert(portion, database) }
        try await eventually("the file has everything", within: .seconds(120)) {
            try folder.ids("all.jsonl").count == events
        }
        #expect(try await database.number("SELECT count(*) FROM outbox_published") == 0)
        if mode == .wal {
            #expect(
                try await database.number(
                    """
                    SELECT coalesce(max(pg_current_wal_lsn() - confirmed_flush_lsn), 0)::bigint FROM pg_replication_slots
                    WHERE database = current_database()
                    """) < 16 << 20)
        }
        receiver.answer { request in
            arrived.add(request)
            return ReceiverAnswer(200)
        }
        // It returns, and catches up while live events flow.
        for _ in 0..<10 { try await insert(portion, database) }
        try await database.becomesSettled(within: .seconds(120))
        #expect(arrived.ids == Array(1...Int64(events + 10 * portion)))
        let peak = try #require(relay.peakMemory)
        #expect(peak < (16 << 20) + RelayProcess.memoryBeside)
        #expect(try await relay.stop() == .exited(0))
        await receiver.stop()
    }

    private func insert(_ count: Int, _ database: TestDatabase) async throws {
        try await database.insert(count, bytes: 300)
    }
}

/// The ids that a receiver got, without its requests.
private final class Arrivals: Sendable {
    private let state = Mutex<[Int64]>([])

    var ids: [Int64] { state.withLock { $0 } }

    func add(_ request: ReceivedRequest) {
        let found = request.text.matches(of: /"specversion":"1.0","id":"(-?\d+)"/).compactMap { Int64($0.output.1) }
        state.withLock { $0 += found }
    }
}
