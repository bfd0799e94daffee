import Glibc
import RelayTestKit
import Testing
import WebhookReceiver

/// Three relays on one host with a file in common: a frozen leader keeps the file's lock, and nothing but that.
@Suite(.heavy) struct FrozenFileTests {
    @Test(arguments: Mode.allCases) func onlyTheLaneOfTheFileWaits(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let folder = try SinkFolder()
        let receiver = try await WebhookReceiver()
        let configuration = try folder.configuration(
            """
            mode: \(mode.rawValue)
            sinks:
              - {name: audit, to: "file:FOLDER/audit.jsonl", retry: {base: 10ms, max: 100ms}}
              - {name: hook, to: "http://127.0.0.1:\(receiver.port)/", batch: 10}
            """)
        let leader = try RelayProcess.run(database, configuration)
        try await leader.waitForLog("leading")
        let others = try (0..<2).map { _ in try RelayProcess.run(database, configuration) }
        for other in others { try await other.waitForLog("standby") }
        try await database.insert(200)
        try await database.becomesSettled()

        leader.signal(SIGSTOP)
        var found: RelayProcess?
        try await eventually("another one leads") {
            found = others.first { !$0.log.entries(of: "leading").isEmpty }
            return found != nil
        }
        let successor = try #require(found)
        let last = try await database.insert(100)
        let outage = try await successor.waitForLog("outage") { $0.fields["sink"] == "audit" }
        #expect(outage.fields["reason"]?.contains("the pid \(leader.pid) ") == true, "\(outage)")
        try await eventually("the webhook has everything") { ids(receiver).contains(last) }
        #expect(try folder.ids("audit.jsonl").last == 200)

        leader.signal(SIGCONT)
        try await database.becomesSettled()
        try await leader.waitForLog("standby")
        for relay in others + [leader] { #expect(try await relay.stop() == .exited(0), "\(relay.log.text)") }
        #expect(try folder.ids("audit.jsonl") == Array(1...last))
        #expect(Audit(ids(receiver)).complaints(expected: Array(1...last), duplicates: 1000) == "")
        await receiver.stop()
    }

    private func ids(_ receiver: WebhookReceiver) -> [Int64] {
        receiver.requests.flatMap { request in
            request.text.matches(of: /"specversion":"1.0","id":"(-?\d+)"/).compactMap { Int64($0.output.1) }
        }
    }
}
