import Foundation
import RelayCore

/// The receiver's address, taken apart.
package struct Endpoint: Sendable, Hashable {
    package let isSecure: Bool
    /// Without the brackets of an IPv6 address.
    package let host: String
    package let port: Int
    /// Path and query, as they are in a request line.
    package let target: String
    /// The URL as it was given, without its fragment.
    package let url: String

    /// Host and port as they are in a URL; the port is left out where it is the scheme's own.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// What is shown of the receiver: path and query may hold a secret.
    package var shown: String { "\(isSecure ? "https" : "http")://\(authority)" }

    package init(_ text: String) throws(SinkError) {
        guard var parts = URLComponents(string: text), let scheme = parts.scheme?.lowercased(),
            scheme == "http" || scheme == "https", let host = URLComponents.bare(parts.encodedHost),
            // As it is looked up and sent: a name in other letters stands there as xn--….
            host.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "%") })
        else { throw .wrong("the webhook's URL is not valid; write it like https://example.com/hooks") }
        if parts.user != nil || parts.password != nil {
            throw .wrong("the webhook's URL contains a user; use header_files: {authorization: FILE} instead")
        }
        let standard = scheme == "https" ? 443 : 80
        guard (1...65535).contains(parts.port ?? standard) else {
            throw .wrong("the webhook's URL has a port that is out of range; write one from 1 to 65535")
        }
        parts.fragment = nil
        isSecure = scheme == "https"
        self.host = host
        port = parts.port ?? standard
        let query = parts.percentEncodedQuery.map { "?\($0)" } ?? ""
        target = (parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath) + query
        guard let url = parts.string else {
            throw .wrong("the webhook's URL is not valid; write it like https://example.com/hooks")
        }
        self.url = url
    }
}
