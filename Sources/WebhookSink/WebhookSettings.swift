import Foundation

/// How a webhook is to be called.
package struct WebhookSettings: Sendable, Hashable {
    /// How an event is put into a request (CloudEvents HTTP binding 1.0.2, section 3).
    package enum ContentMode: String, CaseIterable, Sendable {
        /// The body is the event's JSON.
        case structured
        /// The attributes are headers, the body is the payload.
        case binary
    }

    /// A header that goes with every request.
    package struct Header: Sendable, Hashable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A header whose value is in a file, like a bearer token; never printed.
    package struct HeaderFile: Sendable, Hashable {
        package var name: String
        /// Read when the sink is opened, and again when it has changed.
        package var path: String

        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// Paths of PEM files, read when the sink is opened.
    package struct TLSFiles: Sendable, Hashable {
        /// The authorities to trust instead of the system's.
        package var ca: String?
        /// The chain that this client shows, its own certificate first; goes with ``key``.
        package var certificate: String?
        /// The private key of ``certificate``, without a passphrase.
        package var key: String?

        package init(ca: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.ca = ca
            self.certificate = certificate
            self.key = key
        }
    }

    /// The sink's name.
    package var name: String
    /// Where to send: `http` or `https`, without a user part. Its path may be a secret and is never shown.
    package var url: String
    package var contentMode = ContentMode.structured
    /// Events in a request at most, from 1; above 1 a request holds an array, and the mode is structured. A request of
    /// several events ends at 1 MiB as well.
    package var batch = 1
    /// Files that hold a secret each, `whsec_…` or base64: every request is signed with each, in this order. They are
    /// read when the sink is opened, and again when they have changed.
    package var secretFiles: [String] = []
    package var headers: [Header] = []
    package var headerFiles: [HeaderFile] = []
    /// How long a connection may take to be made, its TLS handshake included.
    package var connectTimeout = Duration.seconds(10)
    /// How long a request may take, from its start to the head of its answer.
    package var timeout: Duration {
        get { chosenTimeout ?? .seconds(30) }
        set { chosenTimeout = newValue }
    }
    /// The timeout that somebody chose.
    package private(set) var chosenTimeout: Duration?
    /// How long a connection is kept that nothing is sent on.
    package var idleTimeout = Duration.seconds(60)
    /// How many connections there may be at once, from 1: as many as deliveries run side by side.
    package var connections = 1
    package var tls = TLSFiles()
    /// The product and its version.
    package var userAgent = "outbox-relay"
    /// Where the proxy is named: `http_proxy`, `https_proxy`, `no_proxy`.
    package var environment = ProcessInfo.processInfo.environment

    /// Makes settings with the defaults above.
    package init(name: String, url: String) {
        self.name = name
        self.url = url
    }
}
