import Foundation
import RelayCore

/// A proxy, and how to say who we are to it.
package struct Proxy: Sendable, Hashable {
    package let host: String
    package let port: Int
    /// User and password, if the proxy wants them; never shown.
    package let user: String?
    package let password: String?
}

/// The proxy variables of the environment, read as curl reads them: lower case beats upper case, and `no_proxy` lists
/// what is reached directly.
package struct ProxyEnvironment: Sendable {
    let variables: [String: String]

    package init(variables: [String: String]) { self.variables = variables }

    /// The proxy for a receiver; nil where it is reached directly.
    package func proxy(for endpoint: Endpoint) throws(SinkError) -> Proxy? {
        let name = endpoint.isSecure ? "https_proxy" : "http_proxy"
        guard let text = value(name), !isExempt(endpoint) else { return nil }
        return try Self.parse(text, variable: name)
    }

    /// Empty counts as unset. In CGI a client may set HTTP_PROXY by a header of its own.
    private func value(_ name: String) -> String? {
        let isFromClient = name == "http_proxy" && variables["REQUEST_METHOD"] != nil
        let text = variables[name] ?? (isFromClient ? nil : variables[name.uppercased()])
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func parse(_ text: String, variable: String) throws(SinkError) -> Proxy {
        guard let parts = URLComponents(string: text.contains("://") ? text : "http://\(text)"),
            let host = URLComponents.bare(parts.host), (1...65535).contains(parts.port ?? 80)
        else { throw .wrong("\(variable) in the environment is not a URL; write it like http://proxy.example:3128") }
        guard parts.scheme?.lowercased() == "http" else {
            throw .wrong("\(variable) in the environment is not an http:// URL; name an http:// proxy, or unset it")
        }
        return Proxy(host: host, port: parts.port ?? 80, user: parts.user, password: parts.password)
    }

    /// `*`, a host, a domain with its hosts (with or without a dot in front), each perhaps with a port, or a network
    /// like `10.0.0.0/8`.
    private func isExempt(_ endpoint: Endpoint) -> Bool {
        guard let list = value("no_proxy") else { return false }
        return list.split(whereSeparator: { $0 == "," || $0 == " " }).contains { entry in
            if entry == "*" { return true }
            if let network = Network(entry) { return network.contains(endpoint.host) }
            var name = entry.lowercased()
            if let colon = name.lastIndex(of: ":"), let port = Int(name[name.index(after: colon)...]),
                name.firstIndex(of: ":") == colon || name.hasPrefix("[")
            {
                guard port == endpoint.port else { return false }
                name = String(name[..<colon])
            }
            if name.hasPrefix("[") { name = String(name.dropFirst().dropLast()) }
            if name.hasPrefix(".") { name.removeFirst() }
            let host = endpoint.host.lowercased()
            return host == name || host.hasSuffix(".\(name)")
        }
    }
}
