import NIOCore
import NIOHTTP1

/// A POST to the receiver, whichever way it goes.
struct WebhookRequest: Sendable {
    /// Without those that frame the message.
    var headers: HTTPHeaders
    var body: ByteBuffer
}

/// What came back.
struct HTTPAnswer: Sendable {
    var status: HTTPResponseStatus
    /// Those that matter for what the answer means; others may be missing.
    var headers: HTTPHeaders
    /// How the body begins.
    var beginning: [UInt8]
}

/// Connections to a receiver, on which requests are sent and answered one by one.
protocol HTTPExchange: Sendable {
    /// Sends a request and waits for its answer.
    ///
    /// - Throws: where none came; what ``TransportFailure`` has a sentence for.
    func post(_ request: WebhookRequest) async throws -> HTTPAnswer

    /// Ends all connections.
    func close() async
}
