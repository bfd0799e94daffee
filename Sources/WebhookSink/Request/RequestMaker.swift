import NIOCore
import NIOHTTP1
import RelayCore
import TraceContext

/// Makes requests of events.
struct RequestMaker: Sendable {
    let mode: WebhookSettings.ContentMode
    let isBatched: Bool
    let headers: [WebhookSettings.Header]
    let userAgent: String
    let route: Route

    init(_ settings: WebhookSettings, route: Route) {
        mode = settings.contentMode
        isBatched = settings.batch > 1
        headers = settings.headers
        userAgent = settings.userAgent
        self.route = route
    }

    /// - Parameters:
    ///   - events: What to send; one event where requests are not batched.
    ///   - timestamp: The seconds since 1970 of this attempt.
    ///   - trace: Headers that say which trace the request belongs to.
    func request(
        _ events: EventRun, _ credentials: Credentials, timestamp: Int64, trace: HTTPHeaders
    ) -> WebhookRequest {
        var headers = HTTPHeaders()
        let id = isBatched ? "\(events.firstID)-\(events.lastID)" : "\(events.firstID)"
        let body: ByteBuffer
        switch (isBatched, mode) {
        case (true, _):
            body = events.array()
            headers.add(name: "content-type", value: "application/cloudevents-batch+json")
        case (false, .structured):
            body = events.single()
            headers.add(name: "content-type", value: "application/cloudevents+json")
        case (false, .binary):
            body = events.payload()
            Self.addAttributes(of: events, to: &headers)
        }
        headers.add(name: "webhook-id", value: id)
        headers.add(name: "webhook-timestamp", value: "\(timestamp)")
        if !credentials.secrets.isEmpty {
            let signatures = body.withUnsafeReadableBytes { bytes in
                credentials.secrets.map { $0.signature(id: id, timestamp: timestamp, body: bytes) }
            }
            headers.add(name: "webhook-signature", value: signatures.joined(separator: " "))
        }
        addConstants(credentials, to: &headers)
        Self.add(trace, to: &headers)
        return WebhookRequest(headers: headers, body: body)
    }

    private func addConstants(_ credentials: Credentials, to target: inout HTTPHeaders) {
        for header in self.headers + credentials.headers { target.add(name: header.name, value: header.value) }
        if !target.contains(name: "user-agent") { target.add(name: "user-agent", value: userAgent) }
        for header in route.headers { target.add(name: header.name, value: header.value) }
    }

    /// What somebody configured under these names wins: a `traceparent` of theirs, and with it the whole trace.
    private static func add(_ trace: HTTPHeaders, to headers: inout HTTPHeaders) {
        guard !trace.isEmpty, !headers.contains(name: TraceHeaderName.parent) else { return }
        for (name, value) in trace where !headers.contains(name: name) { headers.add(name: name, value: value) }
    }

    private static func addAttributes(of events: EventRun, to headers: inout HTTPHeaders) {
        let (batch, index) = events.first
        batch.forEachAttribute(index) { name, value in
            // HTTP has a header of its own for the payload's type.
            let header = name == "datacontenttype" ? "content-type" : "ce-\(name)"
            headers.add(name: header, value: PercentEncoding.encode(value))
        }
    }
}
