import ArgumentParser
import Foundation

/// Where the ledger's HTTP API is: `http://HOST:PORT`, or https, with a path where it lies behind one.
struct LoadURL: ExpressibleByArgument, Sendable {
    /// Without a slash at its end.
    let base: String

    /// `nil` for what is none, or has a query, a fragment or a user's name: the API has none of these.
    init?(argument: String) {
        guard let parts = URLComponents(string: argument), ["http", "https"].contains(parts.scheme?.lowercased()),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.query == nil, parts.fragment == nil
        else { return nil }
        var base = argument[...]
        while base.hasSuffix("/") { base.removeLast() }
        self.base = String(base)
    }
}
