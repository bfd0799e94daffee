import NIOCore
import NIOHTTP1
import NIOHTTP2

/// Takes from the heads of HTTP/2 responses what does not matter, as soon as they are read: what is kept of them is small,
/// though a large one is taken. The status line decides here as well (decision 10).
final class HTTP2Heads: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart

    /// Bytes of a head, as HTTP/2 counts them (RFC 9113, section 6.5.2). They are read at once, one head of a connection
    /// after the other.
    static let limit = 256 << 10

    private static let kept = ["content-length", "retry-after", "location"]

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        var headers = HTTPHeaders()
        for name in Self.kept {
            for value in head.headers[name].prefix(2) where value.utf8.count <= ResponseHeadReader.valueLimit {
                headers.add(name: name, value: value)
            }
        }
        head.headers = headers
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Tells the peer of a new connection how large a head may be; the library's own limit is 16 KiB.
    static func raiseLimit(of channel: any Channel) -> EventLoopFuture<Void> {
        let settings = [
            HTTP2Setting(parameter: .maxHeaderListSize, value: limit),
            // A head comes in six frames at most.
            HTTP2Setting(parameter: .maxFrameSize, value: 64 << 10),
        ]
        return channel.writeAndFlush(HTTP2Frame(streamID: .rootStream, payload: .settings(.settings(settings))))
    }

    /// Takes its place in a stream of a connection.
    static func install(in channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let codec = try pipeline.handler(type: HTTP2FramePayloadToHTTP1ClientCodec.self)
            try pipeline.addHandler(HTTP2Heads(), position: .after(codec))
        }
    }
}
