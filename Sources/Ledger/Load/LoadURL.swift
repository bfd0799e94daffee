import ArgumentParser
import Foundation

/// Where the ledger's HTTP API is: `http://HOST:PORT`, or https, with a path where it lies behind one.
struct LoadURL: ExpressibleByArgument, Sendable {
    /// Without a slash at its end.
    let base: String

    /// `nil` for what is none, or has a query, a fragment or a user's name: the API has none of these.
    init?(argument: String) {
        guard let parts = URLComponents(string: argument), ["http", "https"].contains(parts.scheme?.lowercased()),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.query == nil, parts.fragment == nil,
            Self.hasNoPortOrOne(argument, parts.port)
        else { return nil }
        var base = argument[...]
        while base.hasSuffix("/") { base.removeLast() }
        self.base = String(base)
    }

    /// From 1 to 65535; what is no number at all is read as none, and so is looked for.
    private static func hasNoPortOrOne(_ text: String, _ port: Int?) -> Bool {
        if let port { return (1...65535).contains(port) }
        let authority = text.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" }
        return !authority.reversed().prefix { $0 != "]" }.contains(":")
    }
}
