import Glibc
import RelayTestKit
import Synchronization
import Testing
import WebhookReceiver

/// Standard error is a pipe whose reader has stopped: that is the reader's trouble, and not the relay's.
@Suite(.heavy) struct UnreadLogTests {
    /// Two lines for each event: an outage, and its end.
    private static let events = 120

    private func relay(
        _ database: TestDatabase, _ folder: SinkFolder, _ receiver: WebhookReceiver, _ more: [String] = []
    ) throws -> RelayProcess {
        let configuration = try folder.configuration(
            """
            sinks:
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", retry: {base: 1ms, max: 1ms}}
              - {name: audit, to: "file:FOLDER/audit.jsonl"}
            """)
        return try RelayProcess.run(database, configuration + more, errors: .unread(capacity: 4096))
    }

    /// 503 and 204 in turn.
    private func unsteadyReceiver() async throws -> WebhookReceiver {
        let isWell = Mutex(true)
        return try await WebhookReceiver { _ in
            ReceiverAnswer(
                isWell.withLock { isWell in
                    isWell.toggle()
                    return isWell ? 204 : 503
                })
        }
    }

    @Test func deliveriesGoOnAndTheLogIsThereForALaterReader() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await unsteadyReceiver()
        let relay = try relay(database, folder, receiver)
        let last = try await database.insert(Self.events)
        try await database.becomesSettled(within: .seconds(60))
        #expect(receiver.count == 2 * Self.events)
        #expect(try folder.ids("audit.jsonl") == Array(1...last))
        #expect(try await database.number("SELECT max(epoch) FROM outbox_leader") == 1)
        #expect(relay.log.entries.isEmpty)

        relay.readLog()
        try await relay.waitForLog("recovered")
        #expect(try await relay.stop() == .exited(0))
        try await relay.waitForLog("stopping")
        await receiver.stop()
    }

    @Test func oneSignalEndsIt() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await unsteadyReceiver()
        let relay = try relay(database, folder, receiver)
        try await database.insert(Self.events)
        try await database.becomesSettled(within: .seconds(60))
        relay.signal(SIGTERM)
        try await eventually("the relay ends") { !relay.isRunning }
        relay.readLog()
        #expect(try await relay.exitStatus() == .exited(0))
        await receiver.stop()
    }

    @Test func aSecondSignalEndsItAtOnce() async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await unsteadyReceiver()
        let relay = try relay(database, folder, receiver, ["--shutdown-timeout", "10m"])
        try await database.insert(Self.events)
        try await database.becomesSettled(within: .seconds(60))
        receiver.hold()
        try await database.insert()
        try await eventually("a request waits for its answer") { receiver.isHolding }
        relay.signal(SIGTERM)
        relay.signal(SIGINT)
        try await eventually("the relay ends") { !relay.isRunning }
        relay.readLog()
        // The kernel may hand over the one or the other first.
        let end = try await relay.exitStatus()
        #expect([.exited(128 + SIGTERM), .exited(128 + SIGINT)].contains(end))
        await receiver.stop()
    }
}
