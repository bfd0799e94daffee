import AsyncHTTPClient
import Foundation

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
