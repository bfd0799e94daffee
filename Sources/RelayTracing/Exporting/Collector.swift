import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import RelayCore

/// Connections to a collector, on which spans are posted.
final class Collector: Sendable {
    /// How long a request may take, the body of its answer included.
    static let timeout = Duration.seconds(10)
    /// Bytes of an answer's body that are read.
    private static let bodyLimit = 64 << 10

    private let http: HTTPClient
    private let settings: TracingSettings
    private let userAgent: String

    init(_ settings: TracingSettings, userAgent: String) {
        self.settings = settings
        self.userAgent = userAgent
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .init(Self.timeout)),
            connectionPool: .init(idleTimeout: .seconds(60), concurrentHTTP1ConnectionsPerHostSoftLimit: 1))
        // The exporter tries again, and says meanwhile that the collector is away.
        configuration.connectionPool.retryConnectionEstablishment = false
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // Where it was closed before, this only says so.
        http.shutdown { _ in }
    }

    /// Posts a body and waits for what the answer means.
    func post(_ body: String) async -> CollectorAnswer {
        await withTaskGroup(of: CollectorAnswer?.self) { group in
            group.addTask { await self.answer(to: body) }
            group.addTask {
                try? await Task.sleep(for: Self.timeout)
                return nil
            }
            let first: CollectorAnswer? = await group.next() ?? nil
            group.cancelAll()
            return first ?? .away(after: nil, reason: "it did not answer within \(Self.timeout)")
        }
    }

    /// Ends all connections.
    func close() async {
        // It fails only where it was called before.
        try? await http.shutdown()
    }

    private func answer(to body: String) async -> CollectorAnswer {
        var request = HTTPClientRequest(url: settings.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        for header in settings.headers { request.headers.add(name: header.name, value: header.value) }
        if !request.headers.contains(name: "user-agent") {
            request.headers.add(name: "user-agent", value: userAgent)
        }
        request.body = .bytes(ByteBuffer(string: body))
        do {
            let response = try await http.execute(request, timeout: .init(Self.timeout))
            // One that is too long, or is cut, says no more than its status.
            let answer = try? await response.body.collect(upTo: Self.bodyLimit)
            return CollectorAnswer(
                status: Int(response.status.code), retryAfter: response.headers.first(name: "retry-after"),
                body: answer.map { Array($0.readableBytesView) } ?? [])
        } catch {
            return .away(after: nil, reason: Self.reason(error))
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            return (error.connectionErrors.first?.error as? IOError).map(reason) ?? "it cannot be reached"
        case let error as IOError: return "it cannot be reached: \(String(cString: strerror(error.errnoCode)))"
        case let error as HTTPClientError: return "the connection failed: \(error.shortDescription)"
        default: return "the connection failed: \(String(String(describing: error).prefix(200).filter(\.isVisible)))"
        }
    }
}
