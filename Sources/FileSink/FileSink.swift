import DedicatedThreads
import RelayCore
import WallClock

/// Files as a sink: one JSON line per event, appended, and each event once.
///
/// An event is delivered once its line is on the disk: each delivery ends with one fdatasync(2) for each file that it
/// wrote to, mostly one. Those that are among the last `window` lines with the same time are not written again. A
/// failure cuts what it left in doubt; a crash leaves a torn last line at most, which is cut when the sink is opened.
///
/// The files belong to one process at a time. All blocking calls run on a thread of their own: a disk that does not
/// answer holds up no other sink, a cancelled delivery returns promptly, and what the thread still writes for it is
/// found, and not written again, when the events come again.
package actor FileSink: Sink {
    package nonisolated let name: String

    /// What opening waits for at most; a disk that takes longer is asked again for the same answer.
    private static let patience = Duration.seconds(10)
    /// What closing and reopening wait for at most: neither the end of a relay nor its signals depend on a disk.
    private static let farewell = Duration.seconds(2)

    private let settings: FileSinkSettings
    private let clock: @Sendable () -> Int64
    private let calls: DiskCalls
    private let countDuplicates: @Sendable (Int) -> Void
    private var log: FileLog?
    /// An `open` that had no answer yet when its caller's patience ended.
    private var opening: Task<Result<Void, SinkError>, Never>?

    /// Makes a sink that is not open yet.
    ///
    /// - Parameters:
    ///   - settings: whose `problem` is nil; else opening says what it is.
    ///   - now: the wall clock, in microseconds since 1970-01-01 00:00 UTC.
    ///   - calls: the system's, or a test's that fail.
    ///   - countDuplicates: takes how many events of a delivery were in the files already.
    package init(
        _ settings: FileSinkSettings, now: @escaping @Sendable () -> Int64 = { WallClock.microseconds },
        calls: DiskCalls = DiskCalls(), countDuplicates: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        name = settings.name
        self.settings = settings
        clock = now
        self.calls = calls
        self.countDuplicates = countDuplicates
    }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) {
        let log = try madeLog()
        let opening = opening ?? Task { await log.open(outbox) }
        self.opening = opening
        guard let result = await Self.value(of: opening, within: Self.patience) else {
            throw SinkError(
                .unavailable, reason: "the disk of \(settings.path) does not respond; it is tried again")
        }
        self.opening = nil
        try result.get()
    }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        guard let log else { return report(1, .retry(after: nil, reason: "\(settings.path) is not open")) }
        let withdrawal = Withdrawal()
        let writing = Task { await log.deliver(delivery, until: withdrawal) }
        let answer = await withTaskCancellationHandler {
            await Self.value(of: writing, within: nil)
        } onCancel: {
            withdrawal.set()
        }
        guard let answer else { return }
        if answer.duplicates > 0 { countDuplicates(answer.duplicates) }
        if answer.durable > 0 { report(answer.durable, .delivered) }
        if let failure = answer.failure { report(1, failure) }
    }

    package func close() async {
        guard let log else { return }
        opening = nil
        _ = await Self.value(of: Task { await log.close() }, within: Self.farewell)
    }

    /// For SIGHUP: where the file was moved away, by logrotate say, a new one is begun at its path, to which everything
    /// goes that is not written yet. What fails here fails again with the next delivery, which says so.
    package func reopen() async {
        guard let log else { return }
        _ = await Self.value(of: Task { await log.reopen() }, within: Self.farewell)
    }

    private func madeLog() throws(SinkError) -> FileLog {
        if let log { return log }
        if let problem = settings.problem { throw SinkError(.misconfigured, reason: problem) }
        let template = try PathTemplate(settings.path)
        guard let thread = DedicatedThread() else {
            throw SinkError(
                .unavailable,
                reason: "no thread could be started for \(settings.path); raise the limits on tasks and open files")
        }
        let made = FileLog(thread: thread, settings: settings, template: template, clock: clock, calls: calls)
        log = made
        return made
    }

    /// What a task comes to; nil where the limit passes before, or the caller's own task is cancelled.
    private static func value<R: Sendable>(of task: Task<R, Never>, within limit: Duration?) async -> R? {
        let (values, feed) = AsyncStream.makeStream(of: R.self)
        let relaying = Task {
            feed.yield(await task.value)
            feed.finish()
        }
        let alarm = limit.map { limit in
            Task {
                try? await Task.sleep(for: limit)
                feed.finish()
            }
        }
        defer {
            alarm?.cancel()
            relaying.cancel()
        }
        for await value in values { return value }
        return nil
    }
}
