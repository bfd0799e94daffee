import RelayCore
import Synchronization

/// A row that a replay has come to and cannot read; it leaves nothing out.
package struct UnreadableRow: Error, Sendable {
    package let fault: RowFault
}

/// Runs a replay: does what ``Replay`` decides, one thing after the other.
package actor ReplayRun {
    /// How it ended, and how far it came.
    package struct Outcome: Sendable {
        package var replay: Replay
        /// Of the events that count as delivered, those that the sink did not want.
        package var filteredOut: Int
        /// Why reading failed, where that ended it.
        package var failure: (any Error)?

        package var end: ReplayEnd? { replay.end }
    }

    private let source: any ReplaySource
    private let sink: any Sink
    private let filter: EventFilter
    private let outbox: OutboxPosition
    private let patience: Duration
    private let clock: any RelayClock
    private let report: @Sendable (ReplayNote) -> Void

    private var replay: Replay
    private var batch: EventBatch?
    private var filteredOut = 0
    /// What is being done, and whether a stop cuts it short at once.
    private var current: (cancel: @Sendable () -> Void, isIdle: Bool)?

    /// - Parameters:
    ///   - filter: what of the events goes to the sink.
    ///   - outbox: the outbox's position.
    ///   - patience: how long a stop waits for what is with the sink.
    ///   - report: told what an operator should hear.
    package init(
        _ plan: ReplayPlan, from source: any ReplaySource, into sink: any Sink, filter: EventFilter,
        outbox: OutboxPosition, patience: Duration, clock: any RelayClock = BootClock(),
        report: @escaping @Sendable (ReplayNote) -> Void
    ) {
        replay = Replay(plan, seed: UInt64.random(in: .min ... .max))
        self.source = source
        self.sink = FilteringSink(sink, filter)
        self.filter = filter
        self.outbox = outbox
        self.patience = patience
        self.clock = clock
        self.report = report
    }

    /// Replays to the end, whatever that is; the sink is closed when it returns.
    package func run() async -> Outcome {
        var failure: (any Error)?
        steps: while failure == nil {
            switch replay.step(at: clock.now) {
            case .open: await open()
            case .read(let request): failure = await read(request)
            case .deliver(let range): await deliver(range)
            case .wait(let until): await wait(until: until)
            case .end: break steps
            }
        }
        await sink.close()
        return Outcome(replay: replay, filteredOut: filteredOut, failure: failure)
    }

    /// Ends it once what is with the sink is answered, or cut short after the time for that.
    package func stop() {
        replay.stop()
        guard let current else { return }
        if current.isIdle { return current.cancel() }
        let patience = patience
        clock.task {
            try? await Task.sleep(for: patience)
            current.cancel()
        }
    }

    private func perform<Value: Sendable>(
        isIdle: Bool, _ body: @escaping @Sendable () async -> Value
    ) async -> Value {
        let work = clock.task { await body() }
        current = ({ work.cancel() }, isIdle)
        defer { current = nil }
        return await work.value
    }

    private func open() async {
        let (sink, outbox) = (sink, outbox)
        let failure = await perform(isIdle: true) { () -> SinkError? in
            do throws(SinkError) { try await sink.open(outbox) } catch { return error }
            return nil
        }
        replay.opened(failure, at: clock.now).map(report)
    }

    private func read(_ request: ReadRequest) async -> (any Error)? {
        // Let go of the last portion before the next takes its room.
        batch = nil
        let source = source
        let rows = await perform(isIdle: true) { () -> Result<FetchedRows, any Error> in
            do { return .success(try await source.read(request)) } catch { return .failure(error) }
        }
        switch rows {
        case .success(let rows):
            // Else it would end there as if there were no more.
            if rows.ids.isEmpty, let fault = rows.faults.first { return UnreadableRow(fault: fault) }
            batch = rows.batch
            replay.rowsRead(rows.ids, reachedEnd: rows.reachedEnd)
            return nil
        case .failure(let error):
            // One that was cut short by a stop is none.
            if replay.end != nil { return nil }
            return error
        }
    }

    private func deliver(_ range: Range<Int>) async {
        guard let batch else { return }
        let sink = sink
        let delivery = Delivery(slices: [Delivery.Slice(batch: batch, range: range)])
        let answers = await perform(isIdle: false) { () -> [SinkAnswer] in
            let answers = Mutex<[SinkAnswer]>([])
            await sink.deliver(delivery) { count, outcome in
                answers.withLock { $0.append(SinkAnswer(count: count, outcome: outcome)) }
            }
            return answers.withLock(\.self)
        }
        let before = replay.deliveredCount
        for note in replay.delivered(answers, at: clock.now) { report(note) }
        let delivered = range.prefix(replay.deliveredCount - before)
        filteredOut += delivered.count { !filter.passes(batch, $0) }
    }

    private func wait(until time: Int64) async {
        let clock = clock
        await perform(isIdle: true) { await clock.sleep(until: time) }
    }
}
