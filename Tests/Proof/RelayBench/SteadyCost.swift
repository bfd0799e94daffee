import RelayTestKit

/// What events cost that come one by one.
struct SteadyCost {
    /// Milliseconds from the insert, its commit included, to the line.
    var p50: Double
    var p99: Double
    /// Microseconds of processor time an event: the process's, and its sessions' on the server.
    var reader: Double
    var server: Double

    /// Measures a reader under a load, and ends it; a second before `length` is left out.
    init(of reader: SteadyReader, under load: SteadyLoad, for length: Duration) async throws {
        async let inserts = load.run(for: length + .seconds(1))
        try await Task.sleep(for: .seconds(1))
        let (begin, before) = (ContinuousClock.now, try await reader.processorTime(load.database))
        try await Task.sleep(for: length)
        let (end, after) = (ContinuousClock.now, try await reader.processorTime(load.database))
        let sent = try await inserts
        try await reader.waits(for: sent.count)
        let arrivals = Dictionary(reader.arrivals.map { ($0.id, $0.arrived) }) { first, _ in first }
        let measured = sent.filter { (begin..<end).contains($0.value) }
        let latencies = measured.compactMap { id, time in arrivals[id].map { ($0 - time) / .milliseconds(1) } }.sorted()
        guard latencies.count == measured.count, !latencies.isEmpty else {
            throw KitFailure("\(measured.count - latencies.count) of \(measured.count) events did not arrive")
        }
        try await reader.stop()
        p50 = latencies[latencies.count / 2]
        p99 = latencies[latencies.count * 99 / 100]
        self.reader = (after.own - before.own) / .microseconds(1) / Double(measured.count)
        server = (after.server - before.server) / .microseconds(1) / Double(measured.count)
    }
}
