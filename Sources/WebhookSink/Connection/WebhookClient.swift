import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import RelayCore

/// The HTTP client of an open webhook: connections, the way to the receiver, and what its answers come to. Its
/// connections end with it.
final class WebhookClient: Sendable {
    private let http: HTTPClient
    private let endpoint: Endpoint
    private let route: Route
    private let settings: WebhookSettings
    private let tls: TLSConfiguration
    private let now: @Sendable () -> Int64

    /// - Parameter now: Seconds since 1970.
    init(
        _ settings: WebhookSettings, endpoint: Endpoint, route: Route, tls: TLSConfiguration,
        now: @escaping @Sendable () -> Int64
    ) {
        self.now = now
        self.settings = settings
        self.endpoint = endpoint
        self.route = route
        self.tls = tls
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .init(settings.connectTimeout)),
            connectionPool: .init(
                idleTimeout: .init(settings.idleTimeout),
                concurrentHTTP1ConnectionsPerHostSoftLimit: settings.connections),
            proxy: route.tunnel)
        // The lane tries again, and says meanwhile that the receiver is away.
        configuration.connectionPool.retryConnectionEstablishment = false
        let target = route.absoluteTarget
        configuration.http1_1ConnectionDebugInitializer = { RequestHandler.install(absoluteTarget: target, in: $0) }
        configuration.http2ConnectionDebugInitializer = { HTTP2Heads.raiseLimit(of: $0) }
        configuration.http2StreamChannelDebugInitializer = { HTTP2Heads.install(in: $0) }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // Where it was closed before, this only says so.
        http.shutdown { _ in }
    }

    /// Sends a request and waits for what the answer means; nil where the task was cancelled before there was one.
    func send(_ request: HTTPClientRequest, _ credentials: Credentials) async -> DeliveryOutcome? {
        do {
            let response = try await http.execute(request, timeout: .init(settings.timeout))
            let beginning = await ResponseBody.beginning(of: response.body, within: settings.timeout)
            let answer = Answer(
                status: response.status, headers: response.headers, beginning: beginning, hiding: secrets(credentials))
            return answer.outcome(receiver: endpoint.shown, now: now)
        } catch {
            if Task.isCancelled { return nil }
            return .retry(after: nil, reason: await reason(error))
        }
    }

    /// Ends all connections.
    func close() async {
        // It fails only where it was called before.
        try? await http.shutdown()
    }

    private func reason(_ error: any Error) async -> String {
        if TransportFailure.isCertificateProblem(error), route.tunnel == nil {
            let problem = await CertificateExamination.problem(
                of: endpoint, tls, within: settings.connectTimeout, now: now())
            return "no TLS connection to \(endpoint.shown): its certificate \(problem)"
        }
        return TransportFailure.sentence(error, receiver: endpoint.shown, settings)
    }

    /// What a receiver may echo and nobody shall read. Values of the configuration count where they are long enough to
    /// be secrets.
    private func secrets(_ credentials: Credentials) -> [String] {
        let open = settings.headers.map(\.value).filter { $0.utf8.count >= 16 }
        let values = credentials.headers.map(\.value) + open + (route.proxyAuthorization.map { [$0] } ?? [])
        // A scheme like `Bearer` may have been taken off.
        return values.flatMap { [$0] + $0.split(separator: " ").map(String.init).filter { $0.utf8.count >= 8 } }
    }
}
