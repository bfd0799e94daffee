import NIOPosix
import NIOSSL
import RelayCore

extension WebhookSettings.TLSFiles {
    /// Reads the files.
    ///
    /// - Throws: Which of them is missing or makes no sense.
    func load() async throws(SinkError) -> TLSConfiguration {
        let result: Result<TLSConfiguration, SinkError>? = try? await NIOThreadPool.singleton.runIfActive {
            Result { () throws(SinkError) in try read() }
        }
        guard let result else { throw SinkError(.unavailable, reason: "the relay is stopping") }
        return try result.get()
    }

    private func read() throws(SinkError) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let ca { configuration.trustRoots = .certificates(try Self.certificates(ca, "tls.ca")) }
        if let certificate, let key {
            let chain = try Self.certificates(certificate, "tls.cert")
            configuration.certificateChain = chain.map { .certificate($0) }
            configuration.privateKey = .privateKey(try Self.privateKey(key))
            // The context is made anew for the first connection; made here, a key of another certificate shows at once.
            guard (try? NIOSSLContext(configuration: configuration)) != nil else {
                throw .wrong(
                    "\(key) (tls.key) is not the key of \(certificate) (tls.cert); give two files that belong together")
            }
        }
        return configuration
    }

    /// Every file that makes no sense; where each does, that two of them do not go together.
    ///
    /// - Parameter unread: what keeps files, by their paths, from being read; they are not opened.
    func problems(unread: [String: SmallFile.Problem]) -> [SinkError] {
        let files: [(option: String, path: String?, check: (String) throws(SinkError) -> Void)] = [
            ("tls.ca", ca, { (path) throws(SinkError) in _ = try Self.certificates(path, "tls.ca") }),
            ("tls.cert", certificate, { (path) throws(SinkError) in _ = try Self.certificates(path, "tls.cert") }),
            ("tls.key", key, { (path) throws(SinkError) in _ = try Self.privateKey(path) }),
        ]
        let found = files.compactMap { file in
            file.path.flatMap { path in
                problem { () throws(SinkError) in
                    if let cause = unread[path] {
                        throw .wrong("\(path) (\(file.option)) \(cause.text); name a PEM file that this user may read")
                    }
                    try file.check(path)
                }
            }
        }
        guard found.isEmpty else { return found }
        return [problem { () throws(SinkError) in _ = try read() }].compactMap(\.self)
    }

    private func problem(_ read: () throws(SinkError) -> Void) -> SinkError? {
        do throws(SinkError) {
            try read()
            return nil
        } catch {
            return error
        }
    }

    private static func privateKey(_ path: String) throws(SinkError) -> NIOSSLPrivateKey {
        guard let key = try? NIOSSLPrivateKey(file: path, format: .pem) else {
            throw .wrong("\(path) (tls.key) cannot be read; give a PEM private key without a passphrase")
        }
        return key
    }

    private static func certificates(_ path: String, _ option: String) throws(SinkError) -> [NIOSSLCertificate] {
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path), !certificates.isEmpty else {
            throw .wrong("\(path) (\(option)) cannot be read; give a file of PEM certificates")
        }
        return certificates
    }
}
