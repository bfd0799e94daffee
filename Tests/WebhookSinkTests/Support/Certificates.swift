import Foundation
import NIOSSL
import RelayTestKit

/// Certificates made by openssl for one test: an authority, and whatever it signs.
final class Certificates: Sendable {
    private let folder: TestFolder

    var authority: String { "\(folder.path)/ca.pem" }

    /// Makes an authority of its own.
    init() async throws {
        folder = try TestFolder()
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", "\(folder.path)/ca.key", "-out", authority, "-days", "2", "-subj", "/CN=test authority")
        try folder.write(
            "ca.cnf",
            """
            [ca]
            default_ca = own
            [own]
            database = \(folder.path)/index
            new_certs_dir = \(folder.path)
            rand_serial = yes
            default_md = sha256
            policy = any
            copy_extensions = copy
            [any]
            commonName = supplied
            """)
        try folder.write("index", "")
        try folder.write("index.attr", "unique_subject = no\n")
    }

    /// A certificate and its key.
    struct Issued: Sendable {
        let certificate: String
        let key: String

        /// A server that shows it.
        func server(_ protocols: [String] = [], clientsOf authority: String? = nil) throws -> TLSConfiguration {
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem)))
            configuration.applicationProtocols = protocols
            if let authority {
                configuration.certificateVerification = .noHostnameVerification
                configuration.trustRoots = .file(authority)
            }
            return configuration
        }
    }

    /// Signs a certificate for names, valid between two times like `20200101000000Z`.
    func issue(
        _ name: String, for alternatives: String = "DNS:localhost,IP:127.0.0.1", from: String? = nil, to: String? = nil
    ) async throws -> Issued {
        let issued = Issued(certificate: "\(folder.path)/\(name).pem", key: "\(folder.path)/\(name).key")
        let request = "\(folder.path)/\(name).csr"
        try await openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", issued.key, "-out", request, "-subj", "/CN=\(name)",
            "-addext", "subjectAltName=\(alternatives)")
        let times = (from.map { ["-startdate", $0] } ?? []) + (to.map { ["-enddate", $0] } ?? ["-days", "2"])
        try await openssl(
            [
                "ca", "-batch", "-notext", "-config", "\(folder.path)/ca.cnf", "-cert", authority,
                "-keyfile", "\(folder.path)/ca.key", "-in", request, "-out", issued.certificate,
            ] + times)
        return issued
    }

    private func openssl(_ arguments: String...) async throws { try await openssl(arguments) }

    private func openssl(_ arguments: [String]) async throws {
        let result = try await run(["openssl"] + arguments)
        guard result.status == .exited(0) else { throw KitFailure("openssl \(arguments[0]): \(result.errors)") }
    }
}
