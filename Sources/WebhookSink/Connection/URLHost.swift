import Foundation

extension URLComponents {
    /// A URL's host without the brackets around an IPv6 address (RFC 3986, section 3.2.2).
    ///
    /// - Parameter host: as it is in the URL.
    /// - Returns: nil where it is empty, or in brackets and no such address.
    static func bare(_ host: String?) -> String? {
        guard let host, !host.isEmpty else { return nil }
        guard host.hasPrefix("[") else { return host }
        let inside = String(host.dropFirst().dropLast())
        return host.hasSuffix("]") && Network.bytes(inside)?.count == 16 ? inside : nil
    }
}
