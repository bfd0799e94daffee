import RelayCore
import WebhookSink

extension FuzzTarget {
    /// A webhook's address. What is shown of it holds neither its path nor a user; read again it is the same.
    static let endpoint = FuzzTarget("endpoint", longest: 1024) { input throws(BrokenPromise) in
        let text = String(decoding: input, as: UTF8.self)
        let endpoint: Endpoint
        do throws(SinkError) {
            endpoint = try Endpoint(text)
        } catch {
            try promiseOneLine(error.reason)
            try promiseHidden(text, in: error.reason, open: [addressRefusals], "a refused address")
            return false
        }
        try promise((1...65535).contains(endpoint.port) && !endpoint.host.isEmpty, "there is nobody at \(endpoint)")
        try promiseOneLine(endpoint.shown)
        try promiseHidden(
            endpoint.target, in: endpoint.shown,
            open: [
                "http\(endpoint.isSecure ? "s" : "")://\(endpoint.host):\(endpoint.port)",
                "://[\(endpoint.host)]:\(endpoint.port)",
            ],
            "an address as it is shown")
        let again = try? Endpoint(endpoint.url)
        try promise(again == endpoint, "\(endpoint.url) is read as \(again.map { "\($0)" } ?? "nothing")")
        return true
    }

    /// A proxy's variable, the list of what is reached directly, and an address.
    static let proxy = FuzzTarget("proxy", longest: 1024) { input throws(BrokenPromise) in
        var parts = InputParts(input)
        let (variable, exempt, address) = (parts.text(), parts.text(), parts.text())
        guard let endpoint = try? Endpoint(address) else { return false }
        let variables = ["http_proxy": variable, "https_proxy": variable, "no_proxy": exempt]
        let found: Proxy?
        do throws(SinkError) {
            found = try ProxyEnvironment(variables: variables).proxy(for: endpoint)
        } catch {
            try promiseOneLine(error.reason)
            try promiseHidden(variable, in: error.reason, open: [addressRefusals], "a refused proxy")
            return false
        }
        guard let proxy = found else { return false }
        try promise((1...65535).contains(proxy.port) && !proxy.host.isEmpty, "there is no proxy at \(proxy.host)")
        return true
    }

    /// What refusals say of themselves.
    private static let addressRefusals = """
        the webhook's URL is not valid; write it like https://example.com/hooks the webhook's URL contains a user; use \
        header_files: {authorization: FILE} instead the webhook's URL has a port that is out of range; write one \
        from 1 to 65535 http_proxy https_proxy in the environment is not a URL; write it like \
        http://proxy.example:3128 https_proxy in the environment is not an http:// URL; name an http:// \
        proxy, or unset it
        """
}
