import AsyncHTTPClient
import DedicatedThreads
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import RelayCore
import WallClock

/// Tries the way to a receiver without sending a request: the name, a TCP connection, and the TLS handshake that
/// requests would have. Where a proxy is before it, that is tried instead, since it leads on only what is asked of it.
struct ReachTrial: Sendable {
    private let endpoint: Endpoint
    private let proxy: Proxy?
    private let tls: TLSConfiguration
    private let settings: WebhookSettings
    private let deadline: ContinuousClock.Instant

    /// - Parameter limit: for all of it; the settings' own limit for connections counts where it is shorter.
    init(
        _ settings: WebhookSettings, to endpoint: Endpoint, by proxy: Proxy?, _ tls: TLSConfiguration,
        within limit: Duration
    ) {
        var (settings, tls) = (settings, tls)
        settings.connectTimeout = min(settings.connectTimeout, limit)
        // What requests offer, too.
        tls.applicationProtocols = ["h2", "http/1.1"]
        self.settings = settings
        self.endpoint = endpoint
        self.proxy = proxy
        self.tls = tls
        deadline = ContinuousClock.now + settings.connectTimeout
    }

    /// - Throws: what stands in the way, and what to do about it.
    func run() async throws(SinkError) {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        if let failure = await nameFailure(on: loop) {
            throw SinkError(
                .unavailable,
                reason: "the host \(host) cannot be resolved (\(failure)); correct its name, or fix the resolver")
        }
        do {
            try await connect(on: loop)
        } catch {
            throw SinkError(.unavailable, reason: await reason(error))
        }
    }

    private var host: String { proxy?.host ?? endpoint.host }
    private var port: Int { proxy?.port ?? endpoint.port }
    private var hasHandshake: Bool { endpoint.isSecure && proxy == nil }

    private var remaining: TimeAmount {
        TimeAmount(max(ContinuousClock.now.duration(to: deadline), .milliseconds(1)))
    }

    /// Asks the system for the address, on a thread of its own: it may take as long as its resolver allows, and nothing
    /// can interrupt that.
    ///
    /// - Returns: why there is none; nil where there is.
    private func nameFailure(on loop: any EventLoop) async -> String? {
        let failure = loop.makePromise(of: String?.self)
        let end = loop.scheduleTask(in: remaining) { failure.succeed("no answer in time") }
        let thread = Pthread.start { [host] in failure.succeed(Self.lookUp(host)) }
        if thread == nil { failure.succeed("no thread could be started for it") }
        defer { end.cancel() }
        // It never fails.
        return try? await failure.futureResult.get()
    }

    private static func lookUp(_ host: String) -> String? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &found)
        if let found { freeaddrinfo(found) }
        return code == 0 ? nil : String(cString: gai_strerror(code))
    }

    private func connect(on loop: any EventLoop) async throws {
        // Made before the promise, which must be kept once it is there.
        let context = try hasHandshake ? NIOSSLContext(configuration: tls) : nil
        let isAddress = (try? SocketAddress(ipAddress: endpoint.host, port: 0)) != nil
        let name = isAddress ? nil : endpoint.host
        let reached = loop.makePromise(of: Void.self)
        let end = loop.scheduleTask(in: remaining) { reached.fail(HTTPClientError.connectTimeout) }
        let connecting = ClientBootstrap(group: loop).connectTimeout(remaining).connect(host: host, port: port)
        // Added to the one connection that was made: of several addresses, others may have been tried beside it.
        connecting.flatMapThrowing { channel in
            guard let context else { return reached.succeed(()) }
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
            try pipeline.addHandler(HandshakeWatch(reached))
        }.whenFailure { reached.fail($0) }
        defer {
            end.cancel()
            connecting.whenSuccess { $0.close(promise: nil) }
        }
        try await reached.futureResult.get()
    }

    private func reason(_ error: any Error) async -> String {
        if TransportFailure.isCertificateProblem(error) {
            let problem = await CertificateExamination.problem(
                of: endpoint, tls, within: .seconds(2), now: WallClock.seconds)
            let remedy = problem.contains("; ") ? "" : "; renew it, or set this machine's clock"
            return "no TLS connection to \(endpoint.shown): its certificate \(problem)\(remedy)"
        }
        let shown = proxy.map { "the proxy \($0.host):\($0.port)" } ?? endpoint.shown
        let sentence = TransportFailure.sentence(Self.named(error), receiver: shown, settings)
        if proxy != nil { return "\(sentence); start the proxy, or correct the environment variable that names it" }
        return "\(sentence); see that the receiver listens there\(hasHandshake ? " with TLS" : ""), or correct its URL"
    }

    /// A connection that was not made in time, as the HTTP client names it.
    private static func named(_ error: any Error) -> any Error {
        switch error {
        case ChannelError.connectTimeout: HTTPClientError.connectTimeout
        default: error
        }
    }
}

/// Waits for the end of the handshake, and a while longer: in TLS 1.3 a receiver refuses the client's certificate,
/// or that there is none, only when the client thinks that all is well (RFC 8446, section 4.4.2.4).
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let verdict: EventLoopPromise<Void>
    private let begun = NIODeadline.now()

    init(_ verdict: EventLoopPromise<Void>) {
        self.verdict = verdict
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            let pause = min((NIODeadline.now() - begun) * 2 + .milliseconds(500), .seconds(2))
            context.eventLoop.scheduleTask(in: pause) { [verdict] in verdict.succeed(()) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        verdict.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        verdict.fail(NIOSSLError.uncleanShutdown)
        context.fireChannelInactive()
    }
}
