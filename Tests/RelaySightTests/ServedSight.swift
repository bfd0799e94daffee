import PrometheusText
import RelayObservability
import RelaySight
import RelayTestKit

/// A ``SightServer`` on a free port of 127.0.0.1, for as long as the test wants it.
struct ServedSight: Sendable {
    let sight: Sight
    /// `127.0.0.1:PORT`
    let address: String
    private let task: Task<Void, any Error>

    /// Starts it and waits until it listens.
    static func start(
        _ sight: Sight = Sight(version: "1.2.3", sinks: ["hook"]),
        isAlive: @escaping @Sendable () async -> Bool = { true }
    ) async throws -> ServedSight {
        let (addresses, found) = AsyncStream.makeStream(of: String.self)
        let task = Task {
            defer { found.finish() }
            try await server(of: sight, port: 0, isAlive: isAlive).run { found.yield($0) }
        }
        for await address in addresses { return ServedSight(sight: sight, address: address, task: task) }
        try await task.value
        throw KitFailure("the server ended before it listened")
    }

    static func server(
        of sight: Sight, host: String = "127.0.0.1", port: Int,
        isAlive: @escaping @Sendable () async -> Bool = { true }
    ) -> SightServer {
        let exposition = Exposition(help: MetricName.help, bounds: MetricName.bounds)
        return SightServer(
            host: host, port: port, sight: sight, metrics: SightMetrics(of: sight, in: exposition) { 0 },
            isAlive: isAlive)
    }

    var port: Int { address.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// The whole answer to a request on a connection of its own.
    func answer(_ method: String, _ path: String, headers: String = "") async throws -> String {
        let connection = try RawConnection(to: address)
        try connection.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(headers)\r\n")
        return try await connection.readToEnd()
    }

    /// Ends it, and waits until it has ended.
    func stop() async throws {
        task.cancel()
        try await task.value
    }
}
