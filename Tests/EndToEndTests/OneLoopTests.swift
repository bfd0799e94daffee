import Foundation
import RelayTestKit
import Testing

/// An event that comes alone wakes the loop, and no other thread of the relay: decision 18.
@Suite(.heavy) struct OneLoopTests {
    private static let events = 300

    @Test(arguments: Mode.allCases) func anEventWakesOneThread(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, mode)
        try await relay.waitForEvent(id: try await database.insert(10))
        let before = try wakeUps(relay)
        for _ in 0..<Self.events { try await relay.waitForEvent(id: try await database.insert(1)) }
        let after = try wakeUps(relay)
        let woken = after.map { thread, count in count - (before[thread] ?? 0) }.sorted()
        let loop = try #require(woken.last)
        #expect(loop >= Self.events)
        // Timers of the runtime and the log's thread wake now and then; each event would wake them at least once.
        #expect(woken.dropLast().reduce(0, +) < Self.events / 2, "\(woken)")
        #expect(try await relay.stop() == .exited(0))
    }

    /// How often each thread of the process has slept, as proc(5) counts it.
    private func wakeUps(_ relay: RelayProcess) throws -> [String: Int] {
        let folder = "/proc/\(relay.pid)/task"
        var counts: [String: Int] = [:]
        for thread in try FileManager.default.contentsOfDirectory(atPath: folder) {
            guard let status = try? String(contentsOfFile: "\(folder)/\(thread)/status", encoding: .utf8) else {
                continue
            }
            let line = status.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
            counts[thread] = line.flatMap { Int($0.split(separator: "\t").last ?? "") }
        }
        return counts
    }
}
