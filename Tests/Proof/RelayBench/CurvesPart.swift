import ArgumentParser
import RelayTestKit

/// `relay-bench curves`: what an event costs as the work around it grows, one thing at a time.
struct CurvesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "curves", abstract: "What an event costs as backlog, payload, sinks, producers, history… grow.")

    @Argument(help: "Which of them: \(Curve.all.map(\.name).joined(separator: ", ")); all without.")
    var names: [String] = []
    @Option(help: "Points beyond this are left out; all count something.")
    var most = 10_000_000
    @Option(help: "How often each point is measured; the median counts.")
    var runs = 3

    func validate() throws {
        let unknown = names.filter { name in !Curve.all.contains { $0.name == name } }
        guard unknown.isEmpty else {
            throw ValidationError("There is no curve \(unknown[0]); see --help.")
        }
        guard runs > 0, most > 0 else { throw ValidationError("--runs and --most are at least 1.") }
    }

    func run() async throws {
        let cluster = try await PrivateCluster.start(settings: ["max_wal_size": "8GB"])
        var isMet = true
        for curve in Curve.all where names.isEmpty || names.contains(curve.name) {
            for mode in ["poll", "wal"] {
                let part = CurvesPart(curve: curve, mode: mode, points: curve.points.filter { $0 <= most }, runs: runs)
                isMet = try await part.measure(on: cluster) && isMet
            }
        }
        try await cluster.stop()
        guard isMet else { throw ExitCode(1) }
    }
}

/// One thing that grows, and how far.
struct Curve: Sendable {
    /// How a point is measured.
    enum Work: Sendable {
        /// Everything is drained; what is counted is an event and sink.
        case drain(@Sendable (BenchRelay, Int) async throws -> Backlog)
        /// Events come one by one.
        case steady(@Sendable (BenchRelay, String, Int) async throws -> (SteadyReader, SteadyLoad))
    }

    /// What is to be drained, with which sinks.
    struct Backlog: Sendable {
        var events: Int
        var yaml = "sinks: [{to: stdout}]"
        var sinks = 1
        /// Ends what was kept open meanwhile.
        var after: @Sendable () async throws -> Void = {}
    }

    let name: String
    let points: [Int]
    /// How often as much an event may cost at the far end as at the near one, in processor time and in latency.
    let bound: Double
    let work: Work
}

struct CurvesPart {
    let curve: Curve
    let mode: String
    let points: [Int]
    let runs: Int

    /// The relay's processor time for an event (microseconds), its median latency (milliseconds; of a drain the time for a
    /// thousand), and its largest resident set (MiB).
    private struct Cost {
        var processor: Double
        var latency: Double
        var peak: Double
    }

    /// - Returns: whether the bound holds.
    func measure(on cluster: PrivateCluster) async throws -> Bool {
        var costs: [Cost] = []
        for point in points {
            var all: [Cost] = []
            for _ in 0..<runs { all.append(try await cost(at: point, on: cluster)) }
            let cost = Cost(
                processor: all.map(\.processor).median, latency: all.map(\.latency).median,
                peak: all.map(\.peak).max() ?? 0)
            print(
                "bench: curve=\(curve.name) mode=\(mode) at=\(point) cpu_us=\(cost.processor.shortened) "
                    + "latency_ms=\(cost.latency.shortened) peak_mib=\(Int(cost.peak))")
            costs.append(cost)
        }
        guard let near = costs.first, let far = costs.last else { return true }
        let (processor, latency) = (far.processor / near.processor, far.latency / near.latency)
        let isMet = processor <= curve.bound && latency <= curve.bound && costs.allSatisfy { $0.peak <= 104 }
        print(
            "bench: curve=\(curve.name) mode=\(mode) bound=\(curve.bound) cpu_ratio=\(processor.shortened) "
                + "latency_ratio=\(latency.shortened) \(isMet ? "met" : "MISSED")")
        return isMet
    }

    private func cost(at point: Int, on cluster: PrivateCluster) async throws -> Cost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        switch curve.work {
        case .drain(let prepare):
            let backlog = try await prepare(bench, point)
            let drain = try await bench.drain("mode: \(mode)\n" + backlog.yaml)
            try await backlog.after()
            let deliveries = Double(backlog.events * backlog.sinks)
            return Cost(
                processor: drain.processorTime / .microseconds(1) / deliveries,
                latency: drain.seconds * 1_000_000 / deliveries, peak: Double(drain.peak >> 20))
        case .steady(let prepare):
            let (reader, load) = try await prepare(bench, mode, point)
            let cost = try await SteadyCost(of: reader, under: load, for: .seconds(5))
            return Cost(processor: cost.reader, latency: cost.p50, peak: 0)
        }
    }
}
