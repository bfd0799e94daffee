/// A webhook as a sink: `to: https://…`.
package struct WebhookOptions: Sendable, Hashable {
    /// How an event is put into a request (CloudEvents 1.0, HTTP protocol binding).
    package enum Mode: String, CaseIterable, Sendable {
        /// The whole event as JSON in the body.
        case structured
        /// The payload in the body, everything else in `ce-…` headers.
        case binary
    }

    /// A header that travels with every request.
    package struct Header: Sendable, Hashable {
        /// A field name (RFC 9110, 5.1), in lower case.
        package var name: String
        package var value: String
    }

    /// A header whose value is in a file, such as a bearer token; never shown.
    package struct HeaderFile: Sendable, Hashable {
        package var name: String
        package var path: String
    }

    /// Files in PEM form.
    package struct TLS: Sendable, Hashable {
        /// Certificates that are trusted instead of the system's.
        package var authority: String?
        /// The client's certificate, followed by those that lead to its authority, and its key; both or neither.
        package var certificate: String?
        package var key: String?
    }

    package var url: String
    package var mode = Mode.structured
    /// Files with one secret each, which every request is signed with: at most 5.
    package var secretFiles: [String] = []
    /// From the request to the head of its answer: 100 ms to 10 min. It is 30 s where nobody says another, and less
    /// where a claim ends sooner.
    package var timeout: Duration {
        get { chosenTimeout ?? .seconds(30) }
        set { chosenTimeout = newValue }
    }
    /// The timeout that somebody chose.
    private(set) var chosenTimeout: Duration?
    /// 100 ms to 5 min.
    package var connectTimeout = Duration.seconds(10)
    /// How long a connection without a request is kept: 1 s to 1 h.
    package var idleTimeout = Duration.seconds(60)
    package var headers: [Header] = []
    package var headerFiles: [HeaderFile] = []
    package var tls = TLS()

    package init(url: String) {
        self.url = url
    }

    init(url: String, reading section: FileSection, lane: LaneOptions) throws(ConfigurationProblem) {
        self.init(url: url)
        if let setting = try section.setting(.mode) { mode = try choice(setting) }
        guard mode == .structured || lane.batch == 1 else {
            throw section.problem("needs mode: structured; binary mode sends one event per request", of: "batch")
        }
        secretFiles = try Self.secretFiles(section)
        if let setting = try section.setting(.timeout) {
            timeout = try duration(.milliseconds(100) ... .seconds(600))(setting)
        }
        if let setting = try section.setting(.connectTimeout) {
            connectTimeout = try duration(.milliseconds(100) ... .seconds(300))(setting)
        }
        if let setting = try section.setting(.idleTimeout) {
            idleTimeout = try duration(.seconds(1) ... .seconds(3600))(setting)
        }
        (headers, headerFiles) = try HeaderKeys.read(section)
        if let section = try section.section(SinkKey.tls.rawValue) { tls = try TLS(reading: section, url: url) }
    }

    private static func secretFiles(_ section: FileSection) throws(ConfigurationProblem) -> [String] {
        var paths: [String] = []
        for setting in try section.settings(SinkKey.secretFiles.rawValue, limit: 5) {
            let path = try credentialPath(setting)
            guard !paths.contains(path) else { throw setting.problem("is given twice; remove one of them") }
            paths.append(path)
        }
        return paths
    }
}

extension WebhookOptions.TLS {
    fileprivate init(reading section: FileSection, url: String) throws(ConfigurationProblem) {
        try section.refuseKeys(otherThan: ["ca", "cert", "key"])
        authority = try section.setting("ca").map(credentialPath)
        certificate = try section.setting("cert").map(credentialPath)
        key = try section.setting("key").map(credentialPath)
        guard (certificate == nil) == (key == nil) else {
            throw section.problem("cert and key go together; write both, or neither")
        }
        guard url.lowercased().hasPrefix("https:") else {
            throw section.problem("needs an https URL; correct 'to', or remove it")
        }
    }
}

/// The path of a file that holds a secret or a certificate. It must look like a path, since what is written there in its
/// place would be shown when it cannot be read.
func credentialPath(_ setting: Setting) throws(ConfigurationProblem) -> String {
    guard ["/", "./", "../"].contains(where: setting.text.hasPrefix), setting.text.utf8.allSatisfy({ $0 >= 0x20 })
    else {
        throw setting.problem(
            "is not a file path; write one that begins with / or ./, and put the secret into that file")
    }
    return setting.text
}
