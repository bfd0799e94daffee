import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import Synchronization

/// A webhook's receiver on a port of its own at 127.0.0.1: HTTP/1.1, or with TLS HTTP/2 as well.
package final class WebhookReceiver: Sendable {
    /// Decides what to answer; called on an event loop.
    package typealias Handler = @Sendable (ReceivedRequest) -> ReceiverAnswer

    private struct State {
        var handler: Handler
        var requests: [ReceivedRequest] = []
        var count = 0
        var connections = 0
        var underWay = 0
        var mostUnderWay = 0
        var held: [EventLoopPromise<Void>]?
    }

    private let state: Mutex<State>
    private let keeps: Bool
    private let listening = Mutex<(any Channel)?>(nil)
    private let children = Mutex<[ObjectIdentifier: any Channel]>([:])

    private let bound = Mutex(0)

    /// Where it listens.
    package var port: Int { bound.withLock { $0 } }

    /// Starts a receiver.
    ///
    /// - Parameters:
    ///   - tls: A server's configuration; its application protocols say which versions of HTTP are spoken.
    ///   - keeps: Whether requests are kept, to be looked at later.
    ///   - handler: What to answer, until another is set.
    package init(
        port: Int = 0, tls: TLSConfiguration? = nil, keeps: Bool = true,
        _ handler: @escaping Handler = { _ in ReceiverAnswer() }
    ) async throws {
        state = Mutex(State(handler: handler))
        self.keeps = keeps
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [self] channel in configure(channel, context) }
            .bind(host: "127.0.0.1", port: port).get()
        listening.withLock { $0 = channel }
        // Its own loop knows the address for certain; elsewhere it may be a moment late.
        let port = try await channel.eventLoop.submit { channel.localAddress?.port ?? 0 }.get()
        bound.withLock { $0 = port }
    }

    /// Every request that came, in the order in which they were whole.
    package var requests: [ReceivedRequest] { state.withLock { $0.requests } }
    /// How many requests came.
    package var count: Int { state.withLock { $0.count } }
    /// How many connections were made.
    package var connections: Int { state.withLock { $0.connections } }
    /// How many of them are open.
    package var openConnections: Int { children.withLock { $0.count } }
    /// The most requests that were under way at once.
    package var mostUnderWay: Int { state.withLock { $0.mostUnderWay } }

    /// Answers otherwise from now on.
    package func answer(_ handler: @escaping Handler) {
        state.withLock { $0.handler = handler }
    }

    /// Holds every answer until ``release()``.
    package func hold() {
        state.withLock { $0.held = $0.held ?? [] }
    }

    /// Whether an answer is being held.
    package var isHolding: Bool { state.withLock { $0.held?.isEmpty == false } }

    /// Gives the answers that were held.
    package func release() {
        let held = state.withLock { state in
            defer { state.held = nil }
            return state.held ?? []
        }
        for promise in held { promise.succeed(()) }
    }

    /// Cuts all connections and listens no more.
    package func stop() async {
        release()
        let channel = listening.withLock { $0.take() }
        try? await channel?.close()
        let open = children.withLock { children in
            defer { children = [:] }
            return Array(children.values)
        }
        for child in open { try? await child.close() }
    }

    private func configure(_ channel: any Channel, _ context: NIOSSLContext?) -> EventLoopFuture<Void> {
        let number = state.withLock { state in
            defer { state.connections += 1 }
            return state.connections
        }
        children.withLock { $0[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { _ in
            self.children.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) }
        }
        guard let context else {
            return channel.pipeline.configureHTTPServerPipeline().flatMap { self.serve(channel, number, "HTTP/1.1") }
        }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        }.flatMap {
            channel.configureCommonHTTPServerPipeline { stream in
                // A stream of HTTP/2 is a channel of its own.
                self.serve(stream, number, stream === channel ? "HTTP/1.1" : "HTTP/2")
            }
        }
    }

    private func serve(_ channel: any Channel, _ number: Int, _ version: String) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let handler = ReceiverHandler(receiver: self, connection: number, version: version)
            try channel.pipeline.syncOperations.addHandler(handler)
        }
    }

    /// Takes a request, and tells what to answer once it is time to.
    func take(_ request: ReceivedRequest, on loop: any EventLoop) -> EventLoopFuture<ReceiverAnswer> {
        let handler = state.withLock { state in
            state.count += 1
            state.underWay += 1
            state.mostUnderWay = max(state.mostUnderWay, state.underWay)
            if keeps { state.requests.append(request) }
            return state.handler
        }
        let answer = handler(request)
        let held: EventLoopFuture<Void> = state.withLock { state in
            guard state.held != nil else { return loop.makeSucceededVoidFuture() }
            let promise = loop.makePromise(of: Void.self)
            state.held?.append(promise)
            return promise.futureResult
        }
        return held.flatMap {
            answer.delay == .zero
                ? loop.makeSucceededVoidFuture()
                : loop.scheduleTask(in: TimeAmount(answer.delay)) {}.futureResult
        }.map { answer }.always { _ in self.state.withLock { $0.underWay -= 1 } }
    }
}
