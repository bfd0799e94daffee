import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL

/// The HTTP library's connections: with TLS, over HTTP/2, by a proxy.
final class LibraryExchange: HTTPExchange {
    private let http: HTTPClient
    private let url: String
    private let timeout: Duration

    init(_ settings: WebhookSettings, route: Route, tls: TLSConfiguration) {
        url = route.url
        timeout = settings.timeout
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

    func post(_ request: WebhookRequest) async throws -> HTTPAnswer {
        var message = HTTPClientRequest(url: url)
        message.method = .POST
        message.headers = request.headers
        message.body = .bytes(request.body)
        let response = try await http.execute(message, timeout: .init(timeout))
        let beginning = await ResponseBody.beginning(of: response.body, within: timeout)
        return HTTPAnswer(status: response.status, headers: response.headers, beginning: beginning)
    }

    func close() async {
        // It fails only where it was called before.
        try? await http.shutdown()
    }
}
