import ArgumentParser

/// Where a server listens: `HOST:PORT`, an IPv6 address in brackets.
struct ListenAddress: ExpressibleByArgument, Sendable, CustomStringConvertible {
    /// A name or an address, without brackets.
    let host: String
    /// From 0, which takes a free one, to 65535.
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.init(host: String(host), port: Int(port))
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
