import ArgumentParser
import Libpq
import RelayTestKit

/// `relay-bench latency`: what one sink waits for its events while another is well, and while it is down.
struct LatencyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "The latency of one sink beside another that is down.")

    @Option(help: "Events of a measurement, one a transaction, one after the other.")
    var events = 1500
    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        for mode in ["poll", "wal"] {
            let line = try await LatencyPart(mode: mode, events: events, runs: runs).measure(on: cluster)
            print(line)
        }
        try await cluster.stop()
    }
}

struct LatencyPart {
    let mode: String
    let events: Int
    let runs: Int

    /// From the commit's acknowledgement to the line on stdout, in milliseconds.
    private struct Latencies {
        var p50: [Double] = []
        var p99: [Double] = []

        mutating func add(_ values: [Double]) {
            let sorted = values.sorted()
            p50.append(sorted[sorted.count / 2])
            p99.append(sorted[sorted.count * 99 / 100])
        }
    }

    func measure(on cluster: PrivateCluster) async throws -> String {
        let receiver = try ReceiverProcess(delay: .zero)
        let nobody = try PrivateCluster.freePort()
        var well = Latencies()
        var down = Latencies()
        for _ in 0..<runs {
            well.add(try await latencies(besides: receiver.port, on: cluster))
            down.add(try await latencies(besides: nobody, on: cluster))
        }
        withExtendedLifetime(receiver) {}
        return "bench: latency mode=\(mode) events=\(events) " + text("p50", well.p50, down.p50) + " "
            + text("p99", well.p99, down.p99)
    }

    private func text(_ name: String, _ well: [Double], _ down: [Double]) -> String {
        "\(name)_ms_beside_well=\(well.median.shortened) \(name)_ms_beside_down=\(down.median.shortened) "
            + "ratio=\((down.median / well.median).shortened)"
    }

    private func latencies(besides port: Int, on cluster: PrivateCluster) async throws -> [Double] {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        let relay = try bench.start(
            """
            mode: \(mode)
            poll_interval: 10ms
            sinks:
              - {to: stdout}
              - {name: other, to: "http://127.0.0.1:\(port)/"}
            """)
        try await relay.waitForLog(mode == "wal" ? "streaming" : "leading")
        var committed: [Int64: ContinuousClock.Instant] = [:]
        try await bench.database.withConnection { connection in
            for _ in 0..<events {
                let row = try await connection.query(
                    """
                    INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                    VALUES ('t', 'k', 't.made', jsonb_build_object('text', repeat('x', 340))) RETURNING id
                    """)
                if let id = row.int(0, 0) { committed[id] = .now }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        try await relay.waitForEvents(events)
        let values = relay.output.deliveries.compactMap { arrival in
            committed[arrival.id].map { (arrival.arrived - $0) / .milliseconds(1) }
        }
        _ = try await relay.stop()
        return values
    }
}
