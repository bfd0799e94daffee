import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection that takes too long: for a request from its head to its end, and between requests, in which time
/// the next one's head must have come whole. A client that sends a byte now and then keeps nothing open by it. One that asks
/// before it sends a body (RFC 9110, 10.1.1) is told to go on.
final class RequestTimeLimits: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let idleTime: TimeAmount
    private let requestTime: TimeAmount
    private var alarm: Scheduled<Void>?
    private var isReceiving = false
    /// Requests whose head has come and whose answer has not gone.
    private var unanswered = 0

    init(idleTime: Duration, requestTime: Duration) {
        self.idleTime = TimeAmount(idleTime)
        self.requestTime = TimeAmount(requestTime)
    }

    private func set(_ time: TimeAmount?, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        let channel = context.channel
        alarm = time.map { context.eventLoop.scheduleTask(in: $0) { channel.close(promise: nil) } }
    }

    func handlerAdded(context: ChannelHandlerContext) { set(idleTime, context) }

    func handlerRemoved(context: ChannelHandlerContext) { set(nil, context) }

    func channelInactive(context: ChannelHandlerContext) {
        set(nil, context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            isReceiving = true
            unanswered += 1
            // One that comes while another is answered is not read further for so long.
            if unanswered == 1 { set(requestTime, context) }
            if unanswered == 1, head.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
        case .body: break
        case .end:
            isReceiving = false
            set(unanswered == 0 ? idleTime : nil, context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // A request that is answered before it has come whole, since it is too large, must still end in time.
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            if isReceiving {
                if unanswered > 0 { set(requestTime, context) }
            } else if unanswered == 0 {
                set(idleTime, context)
            }
        }
        context.write(data, promise: promise)
    }
}
