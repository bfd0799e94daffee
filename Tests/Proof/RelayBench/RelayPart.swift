import ArgumentParser
import RelayTestKit

/// `relay-bench relay`: webhooks through the whole relay, from the table to the mark.
struct RelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "relay", abstract: "Webhooks through the whole relay, against a plain HTTP load generator.")

    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        let measurements = try await RelayPart(runs: runs).measure(on: cluster)
        print(Report.text(measurements))
        try await cluster.stop()
        guard measurements.allSatisfy(\.isMet) else { throw ExitCode(1) }
    }
}

struct RelayPart {
    let runs: Int

    private struct Manner {
        var name: String
        var options: String
        /// As many as take some seconds.
        var events: Int
        var connections = 1
        var batch = 1
        var demanded: Double
    }

    private static let manners = [
        Manner(name: "relay order=id", options: "", events: 250, demanded: 40),
        Manner(name: "relay order=id batch=100", options: ", batch: 100", events: 25_000, batch: 100, demanded: 4000),
        Manner(
            name: "relay order=key concurrency=16", options: ", order: key, concurrency: 16", events: 4000,
            connections: 16, demanded: 600),
    ]

    func measure(on cluster: PrivateCluster) async throws -> [Measurement] {
        let receiver = try ReceiverProcess(delay: .milliseconds(20))
        let url = "http://127.0.0.1:\(receiver.port)/"
        var measurements = Self.manners.map {
            Measurement(
                name: $0.name, rates: [], reference: [], referenceName: LoadGenerator.name, demanded: $0.demanded)
        }
        for _ in 0..<runs {
            for (index, manner) in Self.manners.enumerated() {
                measurements[index].rates.append(try await rate(of: manner, url, on: cluster))
                measurements[index].reference.append(
                    try await WebhookPart.ceiling(
                        url, batch: manner.batch, connections: manner.connections, for: .seconds(3)))
            }
        }
        withExtendedLifetime(receiver) {}
        return measurements
    }

    private func rate(of manner: Manner, _ url: String, on cluster: PrivateCluster) async throws -> Double {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.insert(keys: manner.events)
        let drain = try await bench.drain("sinks: [{name: hook, to: \"\(url)\"\(manner.options)}]")
        return Double(manner.events) / drain.seconds
    }
}

extension BenchRelay {
    /// Inserts events of a thousand keys in turn.
    fileprivate func insert(keys events: Int) async throws {
        try await database.execute(
            """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', 'k' || n % 1000, 't.made', jsonb_build_object('text', repeat('x', 340))
            FROM generate_series(1, \(events)) n
            """)
    }
}
