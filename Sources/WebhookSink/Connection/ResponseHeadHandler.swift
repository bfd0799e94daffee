import NIOCore
import NIOHTTP1

/// Stands between the socket and the HTTP library's reader, and gives that heads which it takes: the status line and
/// what matters beside it. The library refuses a response for the number, the length or the form of fields that nobody
/// needs, and keeps up to 2 MiB of them for each connection.
final class ResponseHeadHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        /// No request is under way, or its response has had its head: what comes is the reader's.
        case passing
        case reading(ResponseHeadReader)
        /// What came is no HTTP, and the connection is closed.
        case failed
    }

    private var state = State.passing

    /// A request is sent: what comes next begins with a head.
    func requestBegins() {
        if case .passing = state { state = .reading(ResponseHeadReader()) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .passing: context.fireChannelRead(data)
        case .failed: break
        case .reading(var reader):
            var bytes = unwrapInboundIn(data)
            do throws(ResponseHeadProblem) {
                let head = try Self.head(in: &bytes, &reader)
                state = head == nil ? .reading(reader) : .passing
                guard let head else { return }
                var whole = context.channel.allocator.buffer(capacity: bytes.readableBytes + 256)
                whole.writeBytes(head.bytes)
                whole.writeBuffer(&bytes)
                context.fireChannelRead(wrapInboundOut(whole))
            } catch {
                state = .failed
                context.fireErrorCaught(error)
                context.close(promise: nil)
            }
        }
    }

    /// The head that counts: informational ones are passed over (RFC 9110, section 15.2).
    private static func head(
        in bytes: inout ByteBuffer, _ reader: inout ResponseHeadReader
    ) throws(ResponseHeadProblem) -> ResponseHead? {
        while true {
            let found = Result { () throws(ResponseHeadProblem) in
                try bytes.withUnsafeReadableBytes { (bytes) throws(ResponseHeadProblem) in try reader.read(bytes) }
            }
            guard let (head, count) = try found.get() else {
                bytes.moveReaderIndex(to: bytes.writerIndex)
                return nil
            }
            bytes.moveReaderIndex(forwardBy: count)
            if !head.isInformational { return head }
            reader.begin()
        }
    }
}

/// Looks at requests on their way down: each tells the reader of heads that a response is to come, and a forwarding proxy
/// gets the receiver's whole address in the request line (RFC 9112, section 3.2.2). The client knows tunnels only, and
/// most proxies refuse those to any port but that of TLS.
package final class RequestHandler: ChannelOutboundHandler {
    package typealias OutboundIn = HTTPClientRequestPart
    package typealias OutboundOut = HTTPClientRequestPart

    private let heads: ResponseHeadHandler
    private let absoluteTarget: String?

    private init(_ heads: ResponseHeadHandler, absoluteTarget: String?) {
        self.heads = heads
        self.absoluteTarget = absoluteTarget
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        heads.requestBegins()
        if let absoluteTarget { head.uri = absoluteTarget }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// Takes both places in the pipeline of an HTTP/1 client: before what reads responses, and before what writes
    /// requests down.
    static func install(absoluteTarget: String?, in channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit { try installNow(absoluteTarget: absoluteTarget, in: channel) }
    }

    /// The same, on the channel's loop.
    package static func installNow(absoluteTarget: String?, in channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
        let heads = ResponseHeadHandler()
        try pipeline.addHandler(heads, position: .before(encoder))
        try pipeline.addHandler(RequestHandler(heads, absoluteTarget: absoluteTarget), position: .after(encoder))
    }
}
