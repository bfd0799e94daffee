import Foundation
import Metrics
import Synchronization

/// Brings spans to a collector, by requests of OTLP over HTTP in JSON, one after the other, on the pool and not on the
/// relay's loop. A collector that is away costs spans, which are counted, and nobody time.
package final class SpanExporter: Sendable {
    /// How often a request is sent that the collector does not take, at most; each pause between two tries is twice as
    /// long as the one before.
    private static let tries = 5
    private static let firstPause = Duration.seconds(1)

    private struct State {
        var work: Task<Void, Never>?
        /// The wait before the next try.
        var pause: Task<Void, Never>?
        var isEnding = false
        var reports: LossReports
    }

    /// Makes the spans.
    package let tracer: RelayTracer
    private let queue: SpanQueue
    private let collector: Collector
    private let resource: [String: String]
    private let version: String
    private let report: @Sendable (TracingNote) -> Void
    private let interval: Duration
    private let state: Mutex<State>

    /// Makes an exporter that has not started yet.
    ///
    /// - Parameters:
    ///   - version: The relay's own.
    ///   - interval: how long spans wait for others, at most.
    ///   - factory: of the counter of lost spans; where the process has none, nothing is counted.
    ///   - report: told what an operator should know, once and then no more than each minute.
    package init(
        _ settings: TracingSettings, version: String, interval: Duration = .seconds(5),
        factory: any MetricsFactory = MetricsSystem.factory, report: @escaping @Sendable (TracingNote) -> Void
    ) {
        let queue = SpanQueue(factory: factory)
        self.queue = queue
        tracer = RelayTracer(to: queue)
        collector = Collector(settings, userAgent: "outbox-relay/\(version)")
        self.version = version
        self.interval = interval
        self.report = report
        resource = [
            "service.version": version, "service.instance.id": UUID().uuidString.lowercased(),
            "host.name": ProcessInfo.processInfo.hostName,
            "telemetry.sdk.name": "outbox-relay", "telemetry.sdk.language": "swift", "telemetry.sdk.version": version,
        ].merging(settings.resource) { $1 }
        state = Mutex(State(reports: LossReports(collector: settings.shown)))
    }

    /// Begins to send.
    package func start() {
        state.withLock { state in
            guard state.work == nil, !state.isEnding else { return }
            state.work = Task(priority: .utility) { await self.run() }
        }
    }

    /// Sends what waits, for so long at most, and ends. Spans that end later are lost.
    package func finish(within limit: Duration = .seconds(2)) async {
        let (work, pause) = state.withLock { state in
            state.isEnding = true
            return (state.work.take(), state.pause)
        }
        queue.close()
        pause?.cancel()
        if let work {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await work.value }
                group.addTask { _ = try? await Task.sleep(for: limit) }
                _ = await group.next()
                work.cancel()
                group.cancelAll()
            }
        }
        await collector.close()
        while case let left = queue.take(), !left.isEmpty { queue.lose(left.count) }
        let losses = queue.takeLosses()
        let notes = state.withLock { state in
            [state.reports.add(losses, at: .now), state.reports.rest()]
        }
        for note in notes { tell(note) }
    }

    // MARK: - Sending

    private func run() async {
        let ticker = Task(priority: .utility) { [queue, interval] in
            while !Task.isCancelled {
                _ = try? await Task.sleep(for: interval)
                queue.ring()
            }
        }
        defer { ticker.cancel() }
        for await ring in queue.rings {
            switch ring {
            case .full: await sendFullRequests()
            case .due: await sendWhatWaits()
            }
            let losses = queue.takeLosses()
            tell(state.withLock { $0.reports.add(losses, at: .now) })
        }
        await sendWhatWaits()
    }

    private func sendFullRequests() async {
        var goesOn = true
        while goesOn, queue.count >= SpanQueue.batchLimit { goesOn = await send(queue.take()) }
    }

    /// Sends what waits now; what comes meanwhile waits for others.
    private func sendWhatWaits() async {
        var left = queue.count
        while left > 0 {
            let spans = queue.take()
            left -= spans.count
            guard !spans.isEmpty, await send(spans) else { return }
        }
    }

    /// Sends spans, again where the collector is away.
    ///
    /// - Returns: whether they are done with, one way or the other, and others may follow; false: this is the end.
    private func send(_ spans: [SpanRecord]) async -> Bool {
        let body = request.body(spans)
        var pause = Self.firstPause
        for attempt in 1... {
            switch await collector.post(body) {
            case .taken(let rejected, let reason):
                tell(state.withLock { $0.reports.recovered() })
                // More than were sent cannot be lost, whatever it says.
                let rejected = min(rejected, spans.count)
                if rejected > 0 {
                    lose(rejected, "it rejected them" + (reason.isEmpty ? "" : ": \(reason)"), isAway: false)
                }
                return true
            case .refused(let reason):
                lose(spans.count, reason, isAway: true)
                return !Task.isCancelled
            case .away(let after, let reason):
                // Others, who were away at the same time, do not come back at the same time.
                let wait = after ?? pause * Double.random(in: 0.5...1)
                guard attempt < Self.tries, await goesOn(after: wait) else {
                    lose(spans.count, reason, isAway: true)
                    return !Task.isCancelled
                }
                pause = pause * 2
            }
        }
        return true
    }

    private var request: OTLPRequest {
        OTLPRequest(resource: resource, version: version)
    }

    private func lose(_ count: Int, _ reason: String, isAway: Bool) {
        queue.lose(count)
        let losses = queue.takeLosses()
        tell(state.withLock { $0.reports.add(losses, reason: reason, isAway: isAway, at: .now) })
    }

    /// Waits, unless this is the end.
    private func goesOn(after wait: Duration) async -> Bool {
        let sleep = Task(priority: .utility) { _ = try? await Task.sleep(for: wait) }
        let isEnding = state.withLock { state in
            state.pause = sleep
            return state.isEnding
        }
        if isEnding { sleep.cancel() }
        await withTaskCancellationHandler {
            await sleep.value
        } onCancel: {
            sleep.cancel()
        }
        let goesOn = state.withLock { state in
            state.pause = nil
            return !state.isEnding
        }
        return goesOn && !Task.isCancelled
    }

    private func tell(_ note: TracingNote?) {
        if let note { report(note) }
    }
}
