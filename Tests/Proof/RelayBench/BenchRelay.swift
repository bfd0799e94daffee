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
        let file = try write(yaml.replacing("FOLDER", with: folder), to: "relay.yaml")
        return try RelayProcess.run(database, ["--config", file] + more, output: .ids)
    }

    /// Writes a file into the folder.
    ///
    /// - Returns: its path.
    func write(_ text: String, to name: String) throws -> String {
        let file = "\(folder)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }

    /// What a run until everything is drained took, from when the relay led.
    struct Drain {
        var seconds: Double
        /// The largest resident set, in bytes.
        var peak: Int
        /// The relay's, as it was seen last before it ended; what it took to start is not in it.
        var processorTime: Duration
    }

    /// Runs it until everything is drained.
    func drain(_ yaml: String, within limit: Duration = .seconds(1800)) async throws -> Drain {
        let relay = try start(yaml, ["--until-drained"])
        try await relay.waitForLog("leading")
        let (begin, started) = (ContinuousClock.now, relay.processorTime ?? .zero)
        var (peak, spent) = (0, Duration.zero)
        while relay.isRunning, ContinuousClock.now - begin < limit {
            peak = max(peak, relay.peakMemory ?? 0)
            spent = max(spent, (relay.processorTime ?? .zero) - started)
            try await Task.sleep(for: .milliseconds(20))
        }
        let end = ContinuousClock.now
        let status = try await relay.exitStatus(within: .seconds(5))
        guard status == .exited(0) else { throw KitFailure("the relay ended with \(status): \(relay.log.text)") }
        return Drain(seconds: (end - begin) / .seconds(1), peak: peak, processorTime: spent)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }
}
