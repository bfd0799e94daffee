import ArgumentParser
import Foundation
import RelayTestKit

/// `relay-bench live`: events that are committed as fast as they can be while the relay leads, in WAL mode.
struct LiveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "live", abstract: "A load at full speed, to its last event, against pg_recvlogical.")

    @Option(help: "Events that are committed one by one.")
    var single = 200_000
    @Option(help: "Events that are committed by the hundred.")
    var hundreds = 500_000
    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3

    func validate() throws {
        // Each of four connections has as many transactions.
        guard single > 0, single % 4 == 0, hundreds > 0, hundreds % 400 == 0, runs > 0 else {
            throw ValidationError("--single is a multiple of 4, --hundreds of 400, --runs at least 1.")
        }
    }

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        let parts = [
            LivePart(events: hundreds, each: 100, runs: runs, last: 1.6, settled: 2, processor: .infinity),
            LivePart(events: single, each: 1, runs: runs, last: 1.15, settled: .infinity, processor: 2),
        ]
        var isMet = true
        for part in parts { isMet = try await part.measure(on: cluster) && isMet }
        try await cluster.stop()
        guard isMet else { throw ExitCode(1) }
    }
}

struct LivePart {
    let events: Int
    /// Events of a transaction.
    let each: Int
    let runs: Int
    /// How many times what the reference takes ours may take at most: to the last event, until all is settled, and of the
    /// processor.
    let last: Double
    let settled: Double
    let processor: Double

    private struct Cost {
        /// Seconds from the load's beginning.
        var load: Double
        var last: Double
        /// Until nothing is unpublished; of the reference, its last event.
        var settled: Double
        /// Microseconds of the processor an event, the process's own.
        var processor: Double
    }

    /// - Returns: whether ours takes no longer than it may.
    func measure(on cluster: PrivateCluster) async throws -> Bool {
        var (ours, reference): ([Cost], [Cost]) = ([], [])
        for _ in 0..<runs {
            ours.append(
                try await cost(on: cluster, settles: true) { bench in
                    try await SteadyReader(relayOf: bench, mode: "wal", settings: "window: 10000")
                })
            reference.append(
                try await cost(on: cluster, settles: false) { try await SteadyReader(streamOf: $0.database) })
        }
        let fields: [(name: String, field: KeyPath<Cost, Double>, most: Double)] = [
            ("last_s", \.last, last), ("settled_s", \.settled, settled), ("cpu_us", \.processor, processor),
        ]
        let isMet = fields.allSatisfy { ratio(ours, reference, $0.field) <= $0.most }
        let columns = fields.map { name, field, _ in
            "\(name)=\(median(ours, field).shortened) pg_recvlogical=\(median(reference, field).shortened) "
                + "ratio=\(ratio(ours, reference, field).shortened)"
        }
        print(
            "bench: live events=\(events) each=\(each) runs=\(runs) load_s=\(median(ours, \.load).shortened) "
                + "pg_recvlogical=\(median(reference, \.load).shortened) " + columns.joined(separator: " ")
                + (isMet ? " met" : " MISSED"))
        return isMet
    }

    private func median(_ costs: [Cost], _ field: KeyPath<Cost, Double>) -> Double {
        costs.map { $0[keyPath: field] }.median
    }

    private func ratio(_ own: [Cost], _ other: [Cost], _ field: KeyPath<Cost, Double>) -> Double {
        median(own, field) / median(other, field)
    }

    private func cost(
        on cluster: PrivateCluster, settles: Bool, _ start: (BenchRelay) async throws -> SteadyReader
    ) async throws -> Cost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        let reader = try await start(bench)
        let before = try await reader.processorTime(bench.database).own
        let begin = ContinuousClock.now
        try await load(bench)
        let load = (ContinuousClock.now - begin) / .seconds(1)
        try await reader.waits(for: events, within: .seconds(600))
        let last = (ContinuousClock.now - begin) / .seconds(1)
        if settles {
            try await eventually("everything is settled", within: .seconds(600)) {
                try await bench.database.number("SELECT count(*) FROM (SELECT FROM outbox_unpublished LIMIT 1) _") == 0
            }
        }
        let settled = (ContinuousClock.now - begin) / .seconds(1)
        let spent = try await reader.processorTime(bench.database).own - before
        try await reader.stop()
        return Cost(
            load: load, last: last, settled: settled, processor: spent / .microseconds(1) / Double(events))
    }

    /// The server's own load generator, with four connections.
    private func load(_ bench: BenchRelay) async throws {
        let script = """
            INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
            SELECT 't', 'k', 't.made', jsonb_build_object('text', repeat('x', 340)) FROM generate_series(1, \(each));
            """
        let file = try bench.write(script, to: "load.sql")
        let transactions = events / each / Self.connections
        let result = try await RelayTestKit.run(
            [
                try PrivateCluster.program("pgbench"), "-n", "-M", "prepared", "-c", "\(Self.connections)", "-j", "1",
                "-t", "\(transactions)", "-f", file, bench.database.conninfo,
            ], within: .seconds(600))
        guard result.status == .exited(0) else { throw KitFailure("pgbench: \(result.errors)") }
    }

    private static let connections = 4
}
