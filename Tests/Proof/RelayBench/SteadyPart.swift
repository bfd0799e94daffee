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
        print(try await part.measureWebhooks(on: cluster))
        try await cluster.stop()
    }
}

struct SteadyPart {
    let rate: Int
    let seconds: Int
    let runs: Int

    typealias Start = (BenchRelay) async throws -> SteadyReader

    /// Standard output, in either mode.
    func measure(_ mode: String, on cluster: PrivateCluster) async throws -> String {
        let references: [(String, Start)] =
            mode == "wal"
            ? [
                ("pg_recvlogical", { try await SteadyReader(streamOf: $0.database) }),
                ("plain_bell", { try await SteadyReader(plainBellOn: $0.database) }),
            ] : [("plain_loop", { try await SteadyReader(plainLoopOn: $0.database) })]
        return try await measure(
            "mode=\(mode)", on: cluster, { try await SteadyReader(relayOf: $0, mode: mode) }, references)
    }

    /// A webhook whose receiver answers at once, in WAL mode.
    func measureWebhooks(on cluster: PrivateCluster) async throws -> String {
        let bell: Start = { bench in
            let receiver = try ReceiverProcess(delay: .zero, notesEvents: true)
            return try await SteadyReader(plainBellOn: bench.database, receiver: receiver)
        }
        return try await measure(
            "mode=wal to=webhook", on: cluster,
            { bench in
                let receiver = try ReceiverProcess(delay: .zero, notesEvents: true)
                return try await SteadyReader(relayOf: bench, mode: "wal", receiver: receiver)
            }, [("plain_bell", bell)])
    }

    /// The relay and its references in turn, on databases of their own.
    private func measure(
        _ name: String, on cluster: PrivateCluster, _ relay: Start, _ references: [(name: String, start: Start)]
    ) async throws -> String {
        var ours: [SteadyCost] = []
        var others = [[SteadyCost]](repeating: [], count: references.count)
        for _ in 0..<runs {
            ours.append(try await cost(on: cluster, relay))
            for (index, reference) in references.enumerated() {
                others[index].append(try await cost(on: cluster, reference.start))
            }
        }
        let fields: [(String, KeyPath<SteadyCost, Double>)] = [
            ("p50_ms", \.p50), ("p99_ms", \.p99), ("reader_us", \.reader), ("server_us", \.server),
        ]
        return references.indices.map { index in
            let reference = references[index].name
            let columns = fields.map { name, field in
                let own = ours.map { $0[keyPath: field] }.median
                let other = others[index].map { $0[keyPath: field] }.median
                return "\(name)=\(own.shortened) \(reference)=\(other.shortened) ratio=\((own / other).shortened)"
            }
            return "bench: steady \(name) events_per_s=\(rate) runs=\(runs) " + columns.joined(separator: " ")
        }.joined(separator: "\n")
    }

    private func cost(on cluster: PrivateCluster, _ start: Start) async throws -> SteadyCost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        let load = SteadyLoad(database: bench.database, rate: rate)
        return try await SteadyCost(of: try await start(bench), under: load, for: .seconds(seconds))
    }
}
