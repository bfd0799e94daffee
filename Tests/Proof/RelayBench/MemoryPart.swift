import ArgumentParser
import Foundation
import RelayTestKit

/// `relay-bench memory`: the resident set with 1, 10 and 50 sinks, and with many events behind a dead one.
struct MemoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", abstract: "The resident set with many sinks, and behind a dead one.")

    @Option(help: "Events that each of the sinks takes.")
    var events = 100_000
    @Option(help: "Events behind the dead sink.")
    var behind = 1_000_000

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        var isMet = true
        for sinks in [1, 10, 50] {
            let line = try await MemoryPart.sinks(sinks, events: events, on: cluster)
            print(line.text)
            isMet = isMet && line.isMet
        }
        let line = try await MemoryPart.deadSink(events: behind, on: cluster)
        print(line.text)
        try await cluster.stop()
        guard isMet, line.isMet else { throw ExitCode(1) }
    }
}

/// What a relay held at most, against its promise: `--memory` (64 MiB by default) and 40 MiB.
struct MemoryLine {
    var name: String
    var peak: Int
    var seconds: Double
    var events: Int

    private static let promised = 104 << 20

    var isMet: Bool { peak <= Self.promised }
    var text: String {
        "bench: \(name) peak_mib=\(peak >> 20) promised_mib=\(Self.promised >> 20) events=\(events) "
            + "seconds=\(Double(Int(seconds * 10)) / 10) \(isMet ? "met" : "MISSED")"
    }
}

enum MemoryPart {
    /// So many file sinks, each of which takes everything.
    static func sinks(_ count: Int, events: Int, on cluster: PrivateCluster) async throws -> MemoryLine {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.insert(events)
        let sinks = (1...count).map { "  - {name: s\($0), to: \"file:FOLDER/s\($0).jsonl\"}" }
        let drain = try await bench.drain("sinks:\n" + sinks.joined(separator: "\n"))
        return MemoryLine(name: "memory sinks=\(count)", peak: drain.peak, seconds: drain.seconds, events: events)
    }

    /// A webhook where nobody listens, beside a file that takes everything.
    static func deadSink(events: Int, on cluster: PrivateCluster) async throws -> MemoryLine {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.insert(events)
        let port = try PrivateCluster.freePort()
        let relay = try bench.start(
            """
            sinks:
              - {name: file, to: "file:FOLDER/all.jsonl"}
              - {name: dead, to: "http://127.0.0.1:\(port)/"}
            """)
        try await relay.waitForLog("leading")
        let begin = ContinuousClock.now
        try await eventually("the file has everything", within: .seconds(600)) {
            try await bench.database.number("SELECT delivered_through FROM outbox_sink WHERE name = 'file'") == events
        }
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let peak = relay.peakMemory ?? 0
        _ = try await relay.stop()
        return MemoryLine(name: "memory dead_sink=1", peak: peak, seconds: seconds, events: events)
    }
}
