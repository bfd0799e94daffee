import Glibc
import RelayCore

extension WebhookSettings {
    /// Looks at all that can be known without sending anything: the settings, the files that they name, and whether the
    /// receiver, or the proxy before it, can be reached.
    ///
    /// - Parameter limit: how long it may take to reach it.
    /// - Throws: the first that does not hold; with the code `misconfigured` where that is a setting or a file.
    package func examine(within limit: Duration = .seconds(5)) async throws(SinkError) {
        try check()
        let endpoint = try Endpoint(url)
        let proxy = try ProxyEnvironment(variables: environment).proxy(for: endpoint)
        let configuration = try await tls.load()
        _ = try await CredentialFiles(self).current()
        try await ReachTrial(self, to: endpoint, by: proxy, configuration, within: limit).run()
    }

    /// The files that hold a secret: what signs requests, what is sent to authorise them, and the client's key.
    package var secretPaths: [String] {
        secretFiles + headerFiles.map(\.path) + (tls.key.map { [$0] } ?? [])
    }

    /// Those of them that anybody on this machine may read or change. What the group may do is left to whoever chose
    /// it: a credential of systemd, say, belongs to root and has the mode 0440 (systemd.exec(5), LoadCredential=).
    package var exposedSecrets: [String] {
        secretPaths.filter { path in
            var status = stat()
            return stat(path, &status) == 0 && status.st_mode & 0o006 != 0
        }
    }
}
