import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// The way to a receiver: directly, by a proxy's tunnel (`https`), or through a proxy that forwards (`http`).
struct Route: Sendable {
    /// Where requests are addressed for the HTTP client: the receiver, or the proxy that forwards them.
    let url: String
    /// What every request needs on its way.
    let headers: [WebhookSettings.Header]
    /// The proxy that a tunnel is asked of.
    let tunnel: HTTPClient.Configuration.Proxy?
    /// What a forwarding proxy wants in the request line instead of the path.
    let absoluteTarget: String?
    /// What must not be shown should it come back: how the proxy knows us.
    let proxyAuthorization: String?

    init(to endpoint: Endpoint, by proxy: Proxy?) {
        let login = proxy.flatMap { proxy in
            proxy.user.map { (user: $0, password: proxy.password ?? "") }
        }
        let basic = login.map { "Basic \(Data("\($0.user):\($0.password)".utf8).base64EncodedString())" }
        proxyAuthorization = basic
        guard let proxy else {
            (url, headers, tunnel, absoluteTarget) = (endpoint.url, [], nil, nil)
            return
        }
        if endpoint.isSecure {
            let authorization = login.map {
                HTTPClient.Authorization.basic(username: $0.user, password: $0.password)
            }
            tunnel = .server(host: proxy.host, port: proxy.port, authorization: authorization)
            (url, headers, absoluteTarget) = (endpoint.url, [], nil)
        } else {
            let name = proxy.host.contains(":") ? "[\(proxy.host)]" : proxy.host
            url = "http://\(name):\(proxy.port)\(endpoint.target)"
            tunnel = nil
            absoluteTarget = "http://\(endpoint.authority)\(endpoint.target)"
            let host = WebhookSettings.Header(name: "host", value: endpoint.authority)
            headers = [host] + (basic.map { [.init(name: "proxy-authorization", value: $0)] } ?? [])
        }
    }
}

/// Writes the receiver's whole address into request lines, as a forwarding proxy wants it (RFC 9112, section 3.2.2).
/// The client knows tunnels only, and most proxies refuse those to any port but that of TLS.
final class AbsoluteTargetHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private let target: String

    private init(_ target: String) {
        self.target = target
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        head.uri = target
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// Takes its place in front of what writes requests down.
    static func install(_ target: String, in channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
            try pipeline.addHandler(AbsoluteTargetHandler(target), position: .after(encoder))
        }
    }
}
