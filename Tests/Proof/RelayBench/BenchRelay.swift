import Foundation
import RelayTestKit

/// The real binary on a private server, with a configuration file of the benchmark's own.
struct BenchRelay {
    let database: TestDatabase
    private let folder: String

    init(_ cluster: PrivateCluster) async throws {
        database = try await cluster.database()
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    /// Inserts events with a payload of about 360 bytes, by the ten thousand.
    func insert(_ events: Int) async throws {
        var left = events
        while left > 0 {
            try await database.insert(min(left, 10_000), bytes: 340)
            left -= 10_000
        }
    }

    /// Starts the relay.
    ///
    /// - Parameter yaml: its configuration, in which FOLDER stands for a folder of its own.
    func start(_ yaml: String, _ more: [String] = []) throws -> RelayProcess {
        let file = "\(folder)/relay.yaml"
        try Data(yaml.replacing("FOLDER", with: folder).utf8).write(to: URL(fileURLWithPath: file))
        return try RelayProcess.run(database, ["--config", file] + more, output: .ids)
    }

    /// Runs it from when it leads until everything is drained, and says how long that took, in seconds.
    func drain(_ yaml: String, within limit: Duration = .seconds(600)) async throws -> (seconds: Double, peak: Int) {
        let relay = try start(yaml, ["--until-drained"])
        try await relay.waitForLog("leading")
        let begin = ContinuousClock.now
        var peak = 0
        while relay.isRunning, ContinuousClock.now - begin < limit {
            peak = max(peak, relay.peakMemory ?? 0)
            try await Task.sleep(for: .milliseconds(20))
        }
        let end = ContinuousClock.now
        let status = try await relay.exitStatus(within: .seconds(5))
        guard status == .exited(0) else { throw KitFailure("the relay ended with \(status): \(relay.log.text)") }
        return ((end - begin) / .seconds(1), peak)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
