import ArgumentParser
import RelayTestKit

/// `relay-bench drain`: a backlog to standard output and into a file, beside a loop that keeps no order.
struct DrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "A backlog, to standard output and into a file that is synced.")

    @Option(help: "How many events wait.")
    var events = 100_000
    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3

    func validate() throws {
        guard events >= 1000, runs > 0 else {
            throw ValidationError("--events is at least 1000, --runs at least 1.")
        }
    }

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        let isMet = try await DrainPart(events: events, runs: runs).measure(on: cluster)
        try await cluster.stop()
        guard isMet else { throw ExitCode(1) }
    }
}

struct DrainPart {
    let events: Int
    let runs: Int

    private struct Cost {
        /// Events per second.
        var rate: Double
        /// Microseconds of processor time an event.
        var processor: Double
    }

    /// - Returns: whether standard output gets 0.95 times as many events a second as the loop's, for twice its processor time,
    ///   and a file 0.9 times as many as standard output.
    func measure(on cluster: PrivateCluster) async throws -> Bool {
        var (stdout, file, loop): ([Cost], [Cost], [Cost]) = ([], [], [])
        for _ in 0..<runs {
            stdout.append(try await relay("{to: stdout}", on: cluster))
            file.append(try await relay("{name: file, to: \"file:FOLDER/all.jsonl\"}", on: cluster))
            loop.append(try await plainLoop(on: cluster))
        }
        let lines = [
            (line("stdout", stdout, "plain_loop", loop), ratio(stdout, loop, \.rate) >= 0.95),
            (line("file", file, "stdout", stdout), ratio(file, stdout, \.rate) >= 0.9),
        ]
        for (text, isMet) in lines { print("\(text) \(isMet ? "met" : "MISSED")") }
        return lines.allSatisfy(\.1) && ratio(stdout, loop, \.processor) <= 2
    }

    private func line(_ name: String, _ own: [Cost], _ reference: String, _ other: [Cost]) -> String {
        let parts: [(String, KeyPath<Cost, Double>)] = [("events_per_s", \.rate), ("cpu_us", \.processor)]
        let columns = parts.map { part, field in
            "\(part)=\(own.map { $0[keyPath: field] }.median.shortened) "
                + "\(reference)=\(other.map { $0[keyPath: field] }.median.shortened) "
                + "ratio=\(ratio(own, other, field).shortened)"
        }
        return "bench: drain to=\(name) " + columns.joined(separator: " ")
    }

    private func ratio(_ own: [Cost], _ other: [Cost], _ field: KeyPath<Cost, Double>) -> Double {
        own.map { $0[keyPath: field] }.median / other.map { $0[keyPath: field] }.median
    }

    private func relay(_ sink: String, on cluster: PrivateCluster) async throws -> Cost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.insert(events)
        let drain = try await bench.drain("sinks: [\(sink)]")
        return Cost(
            rate: Double(events) / drain.seconds,
            processor: drain.processorTime / .microseconds(1) / Double(events))
    }

    private func plainLoop(on cluster: PrivateCluster) async throws -> Cost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.insert(events)
        let begin = ContinuousClock.now
        let loop = try await SteadyReader(plainLoopOn: bench.database)
        try await loop.waits(for: events, within: .seconds(600))
        let seconds = (ContinuousClock.now - begin) / .seconds(1)
        let spent = try await loop.processorTime(bench.database).own
        try await loop.stop()
        return Cost(rate: Double(events) / seconds, processor: spent / .microseconds(1) / Double(events))
    }
}
