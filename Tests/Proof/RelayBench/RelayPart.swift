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
        /// How long the receiver waits with each answer.
        var delay = Duration.milliseconds(20)
        var demand: Demand
    }

    private static let manners = [
        Manner(name: "relay order=id", options: "", events: 250, demand: .rate(40)),
        Manner(
            name: "relay order=id batch=100", options: ", batch: 100", events: 25_000, batch: 100, demand: .rate(4000)),
        Manner(
            name: "relay order=key concurrency=16", options: ", order: key, concurrency: 16", events: 4000,
            connections: 16, demand: .rate(600)),
        Manner(
            name: "relay order=id receiver=immediate", options: "", events: 10_000, delay: .zero,
            demand: .share(0.5, processor: 100)),
        Manner(
            name: "relay order=key concurrency=16 receiver=immediate", options: ", order: key, concurrency: 16",
            events: 50_000, connections: 16, delay: .zero, demand: .share(0.1)),
    ]

    func measure(on cluster: PrivateCluster) async throws -> [Measurement] {
        var measurements = Self.manners.map { Measurement(name: $0.name, demand: $0.demand) }
        for _ in 0..<runs {
            for (index, manner) in Self.manners.enumerated() {
                let receiver = try ReceiverProcess(delay: manner.delay)
                let url = receiver.url
                let drain = try await drain(manner, url, on: cluster)
                let events = Double(manner.events)
                measurements[index].rates.append(events / drain.seconds)
                measurements[index].processor.append(drain.processorTime / .microseconds(1) / events)
                measurements[index].reference.append(
                    try await WebhookPart.ceiling(
                        url, batch: manner.batch, connections: manner.connections, for: .seconds(3)))
                withExtendedLifetime(receiver) {}
            }
        }
        return measurements
    }

    private func drain(_ manner: Manner, _ url: String, on cluster: PrivateCluster) async throws -> BenchRelay.Drain {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.insert(keys: manner.events)
        return try await bench.drain("sinks: [{name: hook, to: \"\(url)\"\(manner.options)}]")
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
