import RelayCore

/// An event as it is sent.
struct SentEvent: Hashable, Sendable {
    var row: DeliveredRow
    /// Of the row that it was made of.
    var version: Int
}

/// One relay's sink: sends requests to the far side, one after the other in a delivery, and waits for each.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedSink: Sink, @unchecked Sendable {
    /// Microseconds after which a request counts as failed.
    private static let timeout: Int64 = 1_500_000

    let name: String
    private let farSide: FarSide
    private let server: SimulatedServer
    private let process: SimulatedProcess
    private let request: Int

    init(_ plan: Plan.SinkPlan, _ farSide: FarSide, _ server: SimulatedServer, _ process: SimulatedProcess) {
        name = plan.name
        request = plan.request
        (self.farSide, self.server, self.process) = (farSide, server, process)
    }

    func open(_ outbox: OutboxPosition) async throws(SinkError) {
        await process.clock.sleep(until: process.milliseconds + 1)
        guard process.isAlive, !farSide.refusesToOpen else { throw SinkError(.unavailable, reason: "not now") }
    }

    func close() async {}

    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        var events: [SentEvent] = []
        for slice in delivery.slices {
            for index in slice.range {
                let mark = RowMark(createdAt: slice.batch.createdAt[index])
                events.append(
                    SentEvent(
                        row: DeliveredRow(id: slice.batch.ids[index], mark: mark),
                        version: EventEncoding.version(of: slice.batch, at: index)))
            }
        }
        let life = server.judge.life(of: process)
        server.judge.sends(events.map(\.row), to: name, life)
        while !events.isEmpty, process.isAlive, !Task.isCancelled {
            let part = Array(events.prefix(request))
            events.removeFirst(part.count)
            guard await send(part, life, report) else { return }
        }
    }

    /// One request; true where all of it is delivered.
    private func send(
        _ events: [SentEvent], _ life: RelayLife, _ report: @Sendable (Int, DeliveryOutcome) -> Void
    ) async -> Bool {
        let exchange = Exchange(process, server.scheduler)
        let (farSide, server, process) = (farSide, server, process)
        server.scheduler.on(behalfOf: 0) {
            _ = Task {
                await server.cross(process)
                await farSide.take(events, from: life) { count, outcome in
                    await server.cross(process)
                    exchange.answer(count, outcome)
                }
            }
        }
        server.scheduler.at(server.scheduler.now + Self.timeout, for: process.number) {
            exchange.answer(1, .retry(after: nil, reason: "no answer in time"))
        }
        process.whenKilled { exchange.end() }
        var left = events
        while !left.isEmpty {
            let next = await withTaskCancellationHandler {
                await exchange.next()
            } onCancel: {
                exchange.end()
            }
            guard let (count, outcome) = next, process.isAlive else { return false }
            if outcome == .delivered {
                server.judge.acknowledged(left.prefix(count).map(\.row), by: name, life)
                left.removeFirst(min(count, left.count))
            }
            report(count, outcome)
            guard outcome == .delivered else { return false }
        }
        return true
    }
}

/// The answers to one request.
private final class Exchange: @unchecked Sendable {
    private var answers: [(Int, DeliveryOutcome)] = []
    private var waiting: Reply<Void>?
    private var isOver = false
    private let process: SimulatedProcess
    private let scheduler: Scheduler

    init(_ process: SimulatedProcess, _ scheduler: Scheduler) {
        (self.process, self.scheduler) = (process, scheduler)
    }

    func answer(_ count: Int, _ outcome: DeliveryOutcome) {
        guard !isOver else { return }
        answers.append((count, outcome))
        if outcome != .delivered { isOver = true }
        wake()
    }

    func end() {
        isOver = true
        wake()
    }

    func next() async -> (Int, DeliveryOutcome)? {
        if answers.isEmpty, !isOver, !scheduler.isOver {
            let reply = Reply<Void>(for: process.number, scheduler)
            waiting = reply
            try? await reply.value
        }
        return answers.isEmpty ? nil : answers.removeFirst()
    }

    private func wake() {
        let reply = waiting
        waiting = nil
        reply?.give(.success(()))
    }
}
