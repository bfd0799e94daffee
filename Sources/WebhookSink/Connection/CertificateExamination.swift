import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Finds out why a receiver's certificate was not accepted: the TLS library only says that it was not. It asks the
/// receiver for the certificate once more, and looks at its dates; nothing is sent on that connection.
enum CertificateExamination {
    /// What is wrong, as the end of a sentence.
    ///
    /// - Parameters:
    ///   - patience: How long the receiver may take to show its certificate.
    ///   - now: Seconds since 1970.
    static func problem(
        of endpoint: Endpoint, _ configuration: TLSConfiguration, within patience: Duration, now: Int64
    ) async -> String {
        guard let certificate = await certificate(of: endpoint, configuration, within: .init(patience)) else {
            return "was not accepted"
        }
        if certificate.notValidAfter < now { return "expired at \(date(certificate.notValidAfter))" }
        if certificate.notValidBefore > now { return "is valid only from \(date(certificate.notValidBefore))" }
        return "is not signed by a trusted authority; name its authority in tls.ca"
    }

    private static func date(_ time: time_t) -> String {
        Date(timeIntervalSince1970: TimeInterval(time)).formatted(.iso8601)
    }

    private static func certificate(
        of endpoint: Endpoint, _ configuration: TLSConfiguration, within patience: TimeAmount
    ) async -> NIOSSLCertificate? {
        guard let context = try? NIOSSLContext(configuration: configuration) else { return nil }
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let shown = loop.makePromise(of: NIOSSLCertificate?.self)
        let end = loop.scheduleTask(in: patience) { shown.succeed(nil) }
        let isAddress = (try? SocketAddress(ipAddress: endpoint.host, port: 0)) != nil
        let connecting = ClientBootstrap(group: loop).connectTimeout(patience).channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                let look: NIOSSLCustomVerificationCallback = { chain, verdict in
                    shown.succeed(chain.first)
                    verdict.succeed(.failed)
                }
                let handler = try NIOSSLClientHandler(
                    context: context, serverHostname: isAddress ? nil : endpoint.host, customVerificationCallback: look)
                try channel.pipeline.syncOperations.addHandler(handler)
            }
        }.connect(host: endpoint.host, port: endpoint.port)
        connecting.whenFailure { _ in shown.succeed(nil) }
        // It always succeeds, with nothing where nothing was shown.
        let certificate = (try? await shown.futureResult.get()) ?? NIOSSLCertificate?.none
        end.cancel()
        connecting.whenSuccess { $0.close(promise: nil) }
        return certificate
    }
}
