import DedicatedThreads
import NIOHTTP1
import RelayCore
import Synchronization
import Tracing
import WallClock

/// A webhook as a sink: events are posted as CloudEvents, signed by Standard Webhooks.
///
/// Requests of a delivery follow one another, so their order is the events' own; deliveries may run side by side. A
/// request counts as delivered once a 2xx status has come, whatever becomes of the body behind it.
package final class WebhookSink: Sink {
    package var name: String { settings.name }

    /// What is between `open` and `close`.
    private struct Session: Sendable {
        var client: WebhookClient
        var maker: RequestMaker
        var files: CredentialFiles
        /// Nil where nothing is traced.
        var tracing: RequestTracing?
    }

    /// Bytes of a request that holds several events, at most; what is larger is one event, and a large one.
    private static let batchBytes = 1 << 20

    private let settings: WebhookSettings
    private let thread: DedicatedThread?
    private let tracer: (any Tracer)?
    private let now: @Sendable () -> Int64
    private let session = Mutex<Session?>(nil)

    /// Makes a sink that is not open yet.
    ///
    /// - Parameters:
    ///   - settings: How to call the webhook.
    ///   - thread: Whose loop waits for receivers that are reached directly and without TLS; nil: the sink has one of its
    ///     own while it is open.
    ///   - tracer: makes a span of every request, whose `traceparent` the receiver gets; nil: a request passes on the
    ///     one of its event.
    ///   - now: The wall clock, in seconds since 1970: it stamps requests and reads dates of `Retry-After`.
    package init(
        _ settings: WebhookSettings, on thread: DedicatedThread? = nil, tracer: (any Tracer)? = nil,
        now: @escaping @Sendable () -> Int64 = { WallClock.seconds }
    ) {
        self.settings = settings
        self.thread = thread
        self.tracer = tracer
        self.now = now
    }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) {
        await close()
        try settings.check()
        let endpoint = try Endpoint(settings.url)
        let proxy = try ProxyEnvironment(variables: settings.environment).proxy(for: endpoint)
        let route = Route(to: endpoint, by: proxy)
        let tls = try await settings.tls.load()
        let files = CredentialFiles(settings)
        _ = try await files.current()
        let client = try WebhookClient(settings, endpoint: endpoint, route: route, tls: tls, on: thread, now: now)
        let opened = Session(
            client: client,
            maker: RequestMaker(settings, route: route), files: files,
            tracing: tracer.map { RequestTracing(tracer: $0, sink: settings.name, endpoint: endpoint) })
        let earlier = session.withLock { session in
            defer { session = opened }
            return session
        }
        await earlier?.client.close()
    }

    package func close() async {
        await session.withLock { $0.take() }?.client.close()
    }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        guard let session = session.withLock({ $0 }) else {
            return report(1, .retry(after: nil, reason: "the webhook is not open"))
        }
        let runs = EventRuns(delivery)
        var plan = RequestPlan(count: delivery.count, batch: settings.batch, byteLimit: Self.batchBytes)
        while !Task.isCancelled, let places = plan.next(width: runs.width) {
            switch await send(runs[places], session) {
            case .delivered:
                plan.accepted(places)
                report(places.count, .delivered)
            case .rejected(let reason):
                // Which of its events it was is known once a request held that one alone.
                if plan.refused(places) == .known { return report(1, .rejected(reason: reason)) }
            case let outcome?:
                return report(1, outcome)
            case nil:
                return
            }
        }
    }

    /// What became of one request; nil where the task was cancelled before that was known.
    private func send(_ events: EventRun, _ session: Session) async -> DeliveryOutcome? {
        guard let tracing = session.tracing else {
            return await send(events, session, trace: events.forwardedTrace()).outcome
        }
        let span = tracing.begin(events)
        let sent = await send(events, session, trace: span.headers)
        span.end(sent)
        return sent.outcome
    }

    private func send(_ events: EventRun, _ session: Session, trace: HTTPHeaders) async -> SentRequest {
        do {
            // Read before every request, so that a rotated secret counts at once.
            let credentials = try await session.files.current()
            let request = await make(events, credentials, session.maker, trace)
            return await session.client.send(request, credentials)
        } catch {
            return SentRequest(outcome: Task.isCancelled ? nil : .blocked(reason: error.reason))
        }
    }

    /// Makes a request; a large one on a thread of the pool, since copying and signing it takes longer than the leader's beats,
    /// which share this thread, can wait.
    private func make(
        _ events: EventRun, _ credentials: Credentials, _ maker: RequestMaker, _ trace: HTTPHeaders
    ) async -> WebhookRequest {
        guard events.byteCount > Self.batchBytes else {
            return maker.request(events, credentials, timestamp: now(), trace: trace)
        }
        return await withTaskExecutorPreference(globalConcurrentExecutor) {
            maker.request(events, credentials, timestamp: now(), trace: trace)
        }
    }
}
