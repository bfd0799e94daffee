import Foundation
import Glibc
import RelayCore

extension WebhookSettings {
    /// Looks at all that can be known without sending anything: the settings, the files that they name, and whether the
    /// next host on the way has an address.
    ///
    /// - Throws: the first that does not hold.
    package func examine() async throws(SinkError) {
        try check()
        let endpoint = try Endpoint(url)
        let proxy = try ProxyEnvironment(variables: environment).proxy(for: endpoint)
        _ = try await tls.load()
        _ = try await CredentialFiles(self).current()
        try await Self.findAddress(of: proxy?.host ?? endpoint.host)
    }

    /// Asks the system, on a thread of its own: it may take as long as its resolver allows.
    private static func findAddress(of host: String) async throws(SinkError) {
        let failure = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                var hints = addrinfo()
                hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
                var found: UnsafeMutablePointer<addrinfo>?
                let code = getaddrinfo(host, nil, &hints, &found)
                if let found { freeaddrinfo(found) }
                continuation.resume(returning: code == 0 ? nil : String(cString: gai_strerror(code)))
            }
        }
        guard let failure else { return }
        throw SinkError(
            .unavailable,
            reason: "the host \(host) cannot be resolved (\(failure)); correct its name, or fix the resolver")
    }
}
