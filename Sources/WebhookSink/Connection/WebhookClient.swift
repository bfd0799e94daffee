import DedicatedThreads
import NIOHTTP1
import NIOSSL
import RelayCore

/// What became of a request.
struct SentRequest: Sendable {
    /// What that means for its events; nil where the task was cancelled before there was an answer.
    var outcome: DeliveryOutcome?
    /// The answer's status, where there was one.
    var status: Int?
}

/// The HTTP client of an open webhook: the way to the receiver, and what its answers come to. Its connections end with it.
final class WebhookClient: Sendable {
    private let exchange: any HTTPExchange
    private let endpoint: Endpoint
    private let route: Route
    private let settings: WebhookSettings
    private let tls: TLSConfiguration
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - thread: whose loop waits for a receiver that is reached directly and without TLS; nil: one of its own.
    ///   - now: Seconds since 1970.
    /// - Throws: where there is no thread to be had.
    init(
        _ settings: WebhookSettings, endpoint: Endpoint, route: Route, tls: TLSConfiguration,
        on thread: DedicatedThread?, now: @escaping @Sendable () -> Int64
    ) throws(SinkError) {
        if endpoint.isSecure || route.absoluteTarget != nil {
            exchange = LibraryExchange(settings, route: route, tls: tls)
        } else if let thread = thread ?? DedicatedThread() {
            exchange = PlainExchange(settings, to: endpoint, on: thread)
        } else {
            throw SinkError(
                .unavailable,
                reason: "no thread could be started for the webhook; raise the limits on tasks and open files")
        }
        self.now = now
        self.settings = settings
        self.endpoint = endpoint
        self.route = route
        self.tls = tls
    }

    /// Sends a request and waits for what the answer means.
    func send(_ request: WebhookRequest, _ credentials: Credentials) async -> SentRequest {
        do {
            let answer = try await exchange.post(request)
            let status = Int(answer.status.code)
            if (200...299).contains(status) { return SentRequest(outcome: .delivered, status: status) }
            let outcome = Answer(
                status: answer.status, headers: answer.headers, beginning: answer.beginning,
                hiding: secrets(credentials)
            ).outcome(receiver: endpoint.shown, now: now)
            return SentRequest(outcome: outcome, status: status)
        } catch {
            if Task.isCancelled { return SentRequest() }
            return SentRequest(outcome: .retry(after: nil, reason: await reason(error)))
        }
    }

    /// Ends all connections.
    func close() async { await exchange.close() }

    private func reason(_ error: any Error) async -> String {
        if TransportFailure.isCertificateProblem(error), route.tunnel == nil {
            let problem = await CertificateExamination.problem(
                of: endpoint, tls, within: settings.connectTimeout, now: now())
            return "no TLS connection to \(endpoint.shown): its certificate \(problem)"
        }
        return TransportFailure.sentence(error, receiver: endpoint.shown, settings)
    }

    /// What a receiver may echo and nobody shall read. Values of the configuration count where they are long enough to
    /// be secrets.
    private func secrets(_ credentials: Credentials) -> [String] {
        let open = settings.headers.map(\.value).filter { $0.utf8.count >= 16 }
        let values = credentials.headers.map(\.value) + open + (route.proxyAuthorization.map { [$0] } ?? [])
        // A scheme like `Bearer` may have been taken off.
        return values.flatMap { [$0] + $0.split(separator: " ").map(String.init).filter { $0.utf8.count >= 8 } }
    }
}
