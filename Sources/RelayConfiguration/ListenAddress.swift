/// Where something is listened on.
package struct ListenAddress: Sendable, Hashable {
    /// A name or an address, without the brackets of IPv6.
    package var host: String
    /// 0 takes a free one.
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `127.0.0.1:9187`, an IPv6 address in brackets.
    package var text: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Reads `HOST:PORT`, an IPv6 address in brackets; nil for anything else.
    package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }),
            let port = Int(digits), port <= 65_535
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else if host.contains(":") {
            return nil
        }
        let isPlain = host.unicodeScalars.allSatisfy { scalar in
            (0x21...0x7E).contains(scalar.value) && !"[]/@?#".unicodeScalars.contains(scalar)
        }
        guard !host.isEmpty, isPlain else { return nil }
        self.init(host: host, port: port)
    }
}

/// `127.0.0.1:9187`
func listenAddress(_ setting: Setting) throws(ConfigurationProblem) -> ListenAddress? {
    guard let address = ListenAddress(setting.text) else {
        throw setting.problem("'\(shown(setting.text))' is no address; write HOST:PORT, such as 127.0.0.1:9187")
    }
    return address
}
