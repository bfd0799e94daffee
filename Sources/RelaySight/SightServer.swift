import HTTPServing
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// What `--listen` serves: metrics, health, readiness, status, history and a page, each read out of memory.
///
/// Bounded like everything that listens: connections, the heads of requests, and how long each of it may take. What it
/// shows is for whoever reaches the address: it asks nobody who he is.
package struct SightServer: Sendable {
    private let host: String
    private let port: Int
    private let answers: SightAnswers

    /// Connections at a time; more wait to be accepted.
    package static let mostConnections = 64
    /// Bytes of a request's head.
    package static let largestHead = 8 << 10
    /// How long a connection may be there between requests, and take for a request's head.
    static let idleTime = Duration.seconds(30)
    /// How long a request may take to come whole, and then its answer.
    static let requestTime = Duration.seconds(10)
    /// How long an answer that is on its way may take once the server is to end.
    static let farewellTime = Duration.seconds(2)
    /// How long the relay's loop has to say that it turns.
    static let livenessTime = Duration.seconds(5)

    /// - Parameters:
    ///   - host: a name or an address, without brackets.
    ///   - port: 0 takes a free one.
    ///   - isAlive: answers from the relay's loop.
    package init(
        host: String, port: Int, sight: Sight, metrics: SightMetrics, isAlive: @escaping @Sendable () async -> Bool
    ) {
        self.host = host
        self.port = port
        answers = SightAnswers(
            sight, metrics, Liveness(limit: Self.livenessTime, ask: isAlive), page: PackageResources.page_html)
    }

    /// Serves until its task is cancelled.
    ///
    /// - Parameter onListening: told the address once it is listened on, with the port that was taken.
    package func run(onListening: @escaping @Sendable (_ address: String) -> Void) async throws(ListenFailure) {
        // One thread is plenty, and costs nobody else's.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let failure = await serve(on: group, onListening)
        try? await group.shutdownGracefully()
        if let failure, !Task.isCancelled { throw ListenFailure(failure, at: address(port)) }
    }

    private func serve(
        on group: MultiThreadedEventLoopGroup, _ onListening: @escaping @Sendable (String) -> Void
    ) async -> (any Error)? {
        // The relay's log has its own words for what matters of this.
        let silence = Logger(label: "sight") { _ in SwiftLogNoOpLogHandler() }
        let answers = answers
        let server = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                await answers.response(to: request)
            },
            server: .http1(configuration: Self.channel),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections, logger: silence)),
            onServerRunning: { channel in onListening(address(channel.localAddress?.port ?? port)) },
            eventLoopGroupProvider: .shared(group), logger: silence)
        return await Self.run(server, silence)
    }

    /// Runs it until this task is cancelled; then whoever is connected is let go in good order, for a moment.
    private static func run(_ server: some Service, _ logger: Logger) async -> (any Error)? {
        var configuration = ServiceGroupConfiguration(services: [server], logger: logger)
        configuration.maximumGracefulShutdownDuration = farewellTime
        let services = ServiceGroup(configuration: configuration)
        // In a task of its own, which is told to end and not cancelled.
        let running = Task { try await services.run() }
        let result = await withTaskCancellationHandler {
            await running.result
        } onCancel: {
            Task { await services.triggerGracefulShutdown() }
        }
        if case .failure(let error) = result { return error }
        return nil
    }

    private static var channel: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                RequestTimeLimits(idleTime: idleTime, requestTime: requestTime, answerTime: requestTime)
            ],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: largestHead, maxHeaderListSize: largestHead, maxHeaderFieldCount: 100))
    }

    private func address(_ port: Int) -> String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
