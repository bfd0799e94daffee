import NIOCore
import NIOHTTP1

/// Gathers the requests of one connection, or of one stream of it, and writes the answers.
final class ReceiverHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let receiver: WebhookReceiver
    private let connection: Int
    private let version: String
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(receiver: WebhookReceiver, connection: Int, version: String) {
        self.receiver = receiver
        self.connection = connection
        self.version = version
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let part):
            body += part.readableBytesView
        case .end:
            guard let head else { return }
            let request = ReceivedRequest(
                method: head.method.rawValue, target: head.uri, version: version,
                headers: head.headers.map { ($0.name, $0.value) }, body: body,
                connection: connection)
            let loopBound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            receiver.take(request, on: context.eventLoop).whenSuccess { answer in
                let (handler, context) = loopBound.value
                handler.write(answer, keepAlive: head.isKeepAlive, to: context)
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func write(_ answer: ReceiverAnswer, keepAlive: Bool, to context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        if answer.hangsUp {
            // Of HTTP/2 the connection goes, not only the stream.
            (context.channel.parent?.parent == nil ? context.channel : context.channel.parent)?.close(promise: nil)
            return
        }
        var headers = HTTPHeaders(answer.headers.map { ($0.key, $0.value) })
        headers.replaceOrAdd(name: "content-length", value: "\(answer.body.utf8.count)")
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !answer.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: answer.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
