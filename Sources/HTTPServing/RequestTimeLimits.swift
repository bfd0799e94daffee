import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Closes a connection that takes too long: for a request from its head to its end, and between requests, in which time
/// the next one's head must have come whole. A client that sends a byte now and then keeps nothing open by it. One that asks
/// before it sends a body (RFC 9110, 10.1.1) is told to go on.
package final class RequestTimeLimits: ChannelDuplexHandler, RemovableChannelHandler {
    package typealias InboundIn = HTTPRequestPart
    package typealias InboundOut = HTTPRequestPart
    package typealias OutboundIn = HTTPResponsePart
    package typealias OutboundOut = HTTPResponsePart

    private let idleTime: TimeAmount
    private let requestTime: TimeAmount
    private let answerTime: TimeAmount?
    private var alarm: Scheduled<Void>?
    private var isReceiving = false
    /// Requests whose head has come and whose answer has not gone.
    private var unanswered = 0

    /// - Parameters:
    ///   - idleTime: between requests, the next one's head included.
    ///   - requestTime: for a request, from its head to its last byte.
    ///   - answerTime: from there until its answer is on its way, so that a client that asks and never reads is cut; `nil`
    ///     where whoever answers has a limit of his own.
    package init(idleTime: Duration, requestTime: Duration, answerTime: Duration? = nil) {
        self.idleTime = TimeAmount(idleTime)
        self.requestTime = TimeAmount(requestTime)
        self.answerTime = answerTime.map { TimeAmount($0) }
    }

    private func set(_ time: TimeAmount?, _ context: ChannelHandlerContext) {
        alarm?.cancel()
        let channel = context.channel
        alarm = time.map { context.eventLoop.scheduleTask(in: $0) { channel.close(promise: nil) } }
    }

    package func handlerAdded(context: ChannelHandlerContext) { set(idleTime, context) }

    package func handlerRemoved(context: ChannelHandlerContext) { set(nil, context) }

    package func channelInactive(context: ChannelHandlerContext) {
        set(nil, context)
        context.fireChannelInactive()
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
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
            set(unanswered == 0 ? idleTime : answerTime, context)
        }
        context.fireChannelRead(data)
    }

    package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // A request that is answered before it has come whole, since it is too large, must still end in time.
        if case .end = unwrapOutboundIn(data) {
            unanswered -= 1
            if isReceiving {
                if unanswered > 0 { set(requestTime, context) }
            } else {
                // What is no HTTP is answered without having been a request.
                set(unanswered <= 0 ? idleTime : answerTime, context)
            }
        }
        context.write(data, promise: promise)
    }
}
