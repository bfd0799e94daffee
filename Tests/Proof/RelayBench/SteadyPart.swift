import ArgumentParser
import RelayTestKit

/// `relay-bench steady`: what an event costs that comes alone, which is how a ledger's events come.
struct SteadyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "steady",
        abstract: "Events that come one by one, against the least that anybody must do for them.")

    @Option(help: "Events per second.")
    var rate = 1000
    @Option(help: "How long a measurement takes, in seconds; a second before it is left out.")
    var seconds = 5
    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3

    func validate() throws {
        guard (1...100_000).contains(rate), (1...600).contains(seconds), (1...100).contains(runs) else {
            throw ValidationError("--rate is 1 to 100000, --seconds 1 to 600, --runs 1 to 100.")
        }
    }

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        let part = SteadyPart(rate: rate, seconds: seconds, runs: runs)
        for mode in ["wal", "poll"] { print(try await part.measure(mode, on: cluster)) }
        try await cluster.stop()
    }
}

struct SteadyPart {
    let rate: Int
    let seconds: Int
    let runs: Int

    /// One measurement: milliseconds from the insert, its commit included, to the line, and microseconds of processor an event.
    private struct Cost {
        var p50: Double
        var p99: Double
        var reader: Double
        var server: Double
    }

    /// The relay and its reference in turn, on databases of their own.
    func measure(_ mode: String, on cluster: PrivateCluster) async throws -> String {
        var ours: [Cost] = []
        var others: [Cost] = []
        for _ in 0..<runs {
            ours.append(
                try await cost(on: cluster) { bench in try await SteadyReader(relayOf: bench, mode: mode) })
            others.append(
                try await cost(on: cluster) { bench in
                    mode == "wal"
                        ? try await SteadyReader(streamOf: bench.database)
                        : try await SteadyReader(plainLoopOn: bench.database)
                })
        }
        let reference = mode == "wal" ? "pg_recvlogical" : "plain_loop"
        let fields: [(String, KeyPath<Cost, Double>)] = [
            ("p50_ms", \.p50), ("p99_ms", \.p99), ("reader_us", \.reader), ("server_us", \.server),
        ]
        let columns = fields.map { name, field in
            let (own, other) = (ours.map { $0[keyPath: field] }.median, others.map { $0[keyPath: field] }.median)
            return "\(name)=\(own.shortened) \(reference)=\(other.shortened) ratio=\((own / other).shortened)"
        }
        return "bench: steady mode=\(mode) events_per_s=\(rate) runs=\(runs) " + columns.joined(separator: " ")
    }

    private func cost(
        on cluster: PrivateCluster, _ start: (BenchRelay) async throws -> SteadyReader
    ) async throws -> Cost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        let reader = try await start(bench)
        let load = SteadyLoad(database: bench.database, rate: rate)
        async let inserts = load.run(for: .seconds(seconds + 1))
        try await Task.sleep(for: .seconds(1))
        let (begin, before) = (ContinuousClock.now, try await reader.processorTime(bench.database))
        try await Task.sleep(for: .seconds(seconds))
        let (end, after) = (ContinuousClock.now, try await reader.processorTime(bench.database))
        let sent = try await inserts
        try await reader.waits(for: sent.count)
        let arrivals = Dictionary(reader.arrivals.map { ($0.id, $0.arrived) }) { first, _ in first }
        let measured = sent.filter { (begin..<end).contains($0.value) }
        let latencies = measured.compactMap { id, time in arrivals[id].map { ($0 - time) / .milliseconds(1) } }.sorted()
        guard latencies.count == measured.count, !latencies.isEmpty else {
            throw KitFailure("\(measured.count - latencies.count) of \(measured.count) events did not arrive")
        }
        try await reader.stop()
        return Cost(
            p50: latencies[latencies.count / 2], p99: latencies[latencies.count * 99 / 100],
            reader: (after.own - before.own) / .microseconds(1) / Double(measured.count),
            server: (after.server - before.server) / .microseconds(1) / Double(measured.count))
    }
}
