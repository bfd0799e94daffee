import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import WebhookReceiver
import WebhookSink

/// Settings for a receiver on this machine, untouched by a proxy that the machine may have.
func settings(_ url: String, _ change: (inout WebhookSettings) -> Void = { _ in }) -> WebhookSettings {
    var settings = WebhookSettings(name: "hook", url: url)
    settings.environment = [:]
    settings.userAgent = "outbox-relay/0.0"
    change(&settings)
    return settings
}

extension WebhookReceiver {
    /// Settings for this receiver.
    func settings(_ change: (inout WebhookSettings) -> Void = { _ in }) -> WebhookSettings {
        WebhookSinkTests.settings("http://127.0.0.1:\(port)/hooks", change)
    }
}

/// Opens a sink, lets it be used, and closes it.
func withSink<R>(
    _ settings: WebhookSettings, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
    _ use: (WebhookSink) async throws -> R
) async throws -> R {
    let sink = WebhookSink(settings, now: now)
    do {
        try await sink.open(OutboxPosition(lastValue: 0))
        let result = try await use(sink)
        await sink.close()
        return result
    } catch {
        await sink.close()
        throw error
    }
}

/// What one delivery of some events came to.
func answers(to count: Int64 = 1, _ settings: WebhookSettings) async throws -> Answers {
    let batch = try makeBatch(1...count)
    return try await withSink(settings) { await $0.answers(to: batch.whole) }
}

/// Why opening failed; nil where it did not.
func refusal(_ settings: WebhookSettings) async -> SinkError? {
    let sink = WebhookSink(settings)
    do throws(SinkError) {
        try await sink.open(OutboxPosition(lastValue: 0))
        await sink.close()
        return nil
    } catch {
        return error
    }
}

extension Answers {
    /// The reason of the one failure, and whether it is an outage.
    var outage: String? {
        guard failures.count == 1, case .retry(_, let reason) = failures[0] else { return nil }
        return reason
    }

    /// The reason of the one failure, if it is a rejection.
    var rejection: String? {
        guard failures.count == 1, case .rejected(let reason) = failures[0] else { return nil }
        return reason
    }
}

/// A folder that goes with the test.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/webhook-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file as a careful program does: under another name first. Gives its path.
    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file), options: .atomic)
        return file
    }
}
