import Glibc

extension PrivateCluster {
    /// Gives the server a certificate that it signed itself, for the name `localhost`, and starts it again with TLS.
    ///
    /// - Returns: the certificate's path, which is that of its authority too.
    package func startWithTLS() async throws -> String {
        let (certificate, key) = ("\(folder)/data/server.crt", "\(folder)/data/server.key")
        let made = try await run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate,
        ])
        guard made.status == .exited(0) else { throw KitFailure("openssl: \(made.errors)") }
        for path in [certificate, key] { try programs.handOver(path) }
        guard chmod(key, 0o600) == 0 else { throw KitFailure("\(key) keeps its mode") }
        try set(["ssl": "on"])
        try await restart()
        return certificate
    }
}
