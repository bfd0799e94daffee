import Foundation
import RelayCore
import RelayTestKit
import Synchronization
import WebhookSink

/// Webhooks through the sink alone, signed with one secret, against the load generator on the same receiver with the
/// same bodies and as many connections.
struct WebhookPart {
    let delay: Duration
    let runs: Int
    let length: Duration

    /// A way to deliver.
    private struct Manner {
        var name: String
        /// Events in a request.
        var batch = 1
        /// Deliveries side by side.
        var lanes = 1
        /// Events in a delivery.
        var window: Int
        var demand: Demand
    }

    private static let manners = [
        Manner(name: "webhook order=id", window: 20, demand: .rate(40)),
        Manner(name: "webhook order=id batch=100", batch: 100, window: 1000, demand: .rate(4000)),
        Manner(name: "webhook order=key concurrency=16", lanes: 16, window: 1, demand: .rate(600)),
    ]

    func measure() async throws -> [Measurement] {
        let receiver = try ReceiverProcess(delay: delay)
        let url = receiver.url
        let secret = FileManager.default.temporaryDirectory.appendingPathComponent("bench-\(UUID().uuidString)")
        try Data("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".utf8).write(to: secret)
        defer { try? FileManager.default.removeItem(at: secret) }
        var measurements = Self.manners.map { Measurement(name: $0.name, demand: $0.demand) }
        // Sink and reference take turns, so that both meet what else the machine does.
        for _ in 0..<runs {
            for (index, manner) in Self.manners.enumerated() {
                measurements[index].rates.append(try await rate(of: manner, url, secret: secret.path))
                measurements[index].reference.append(
                    try await Self.ceiling(url, batch: manner.batch, connections: manner.lanes, for: length))
            }
        }
        withExtendedLifetime(receiver) {}
        return measurements
    }

    private func rate(of manner: Manner, _ url: String, secret: String) async throws -> Double {
        var settings = WebhookSettings(name: "bench", url: url)
        settings.batch = manner.batch
        settings.connections = manner.lanes
        settings.secretFiles = [secret]
        settings.environment = [:]
        let sink = WebhookSink(settings)
        try await sink.open(OutboxPosition(lastValue: .max))
        let events = try Self.events(manner.window)
        let start = ContinuousClock.now
        let delivered = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<manner.lanes {
                group.addTask {
                    let count = Mutex(0)
                    while ContinuousClock.now - start < length {
                        await sink.deliver(events.whole) { events, outcome in
                            if outcome == .delivered { count.withLock { $0 += events } }
                        }
                    }
                    return count.withLock { $0 }
                }
            }
            return await group.reduce(0, +)
        }
        let time = (ContinuousClock.now - start) / .seconds(1)
        await sink.close()
        return Double(delivered) / time
    }

    /// What a plain load generator reaches on the same receiver with the same bodies, in events per second.
    static func ceiling(_ url: String, batch: Int, connections: Int, for length: Duration) async throws -> Double {
        let lines = try Self.events(batch).text.split(separator: "\n")
        let isBatch = batch > 1
        let requests = try await LoadGenerator.requestsPerSecond(
            to: url, body: isBatch ? "[\(lines.joined(separator: ","))]" : "\(lines[0])",
            contentType: "application/cloudevents\(isBatch ? "-batch" : "")+json", connections: connections,
            for: length)
        return requests * Double(batch)
    }

    /// Events as a ledger writes them: about half a kilobyte each.
    private static func events(_ count: Int) throws -> EventBatch {
        try makeBatch(1...Int64(count), payloadSize: 300)
    }
}
