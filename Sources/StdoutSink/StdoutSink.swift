import Glibc
import RelayCore

/// Standard output as a sink: one JSON line per event.
///
/// An event is delivered once its whole line was taken by the pipe, terminal or file; a last line without its end
/// counts for nothing. A line that a full disk or a cancelled delivery broke off is gone on with where it ended, if the
/// same line comes again, and else is ended before the next. A pipe whose reader closed it is `closed`: it never comes
/// back.
///
/// A reader that does not read costs nothing but this sink's own thread, and a cancelled delivery returns promptly.
package actor StdoutSink: Sink {
    package nonisolated let name: String

    /// What a single write takes at most, in bytes: after each of them what is whole is reported.
    private static let chunkSize = 1 << 18

    private let descriptor: Int32
    private var output: Output?
    private var thread: WriterThread?
    private let end: OutputEnd
    private var isDelivering = false

    /// Makes a sink that is not open yet.
    ///
    /// - Parameters:
    ///   - name: The sink's name.
    ///   - descriptor: Where to write, open for writing for as long as the sink lives; its flags are left as they are.
    ///   - end: How that ends; to be shared with the sinks that write there before and after this one.
    package init(name: String = "stdout", descriptor: Int32 = STDOUT_FILENO, after end: OutputEnd = OutputEnd()) {
        self.name = name
        self.descriptor = descriptor
        self.end = end
    }

    deinit {
        thread?.abandon()
        output?.close()
    }

    package func open(_ outbox: OutboxPosition) async throws(SinkError) {
        await close()
        Self.ignoreBrokenPipes()
        let output = try Output(descriptor)
        guard let thread = WriterThread() else {
            output.close()
            throw SinkError(
                .unavailable,
                reason: "no thread could be started for standard output; raise the limits on tasks and open files")
        }
        // Others may have written to a file meanwhile; a pipe ends as we left it.
        if output.isFile { end.tail = output.endsInTornLine() ? .foreign : .lineStart }
        self.output = output
        self.thread = thread
    }

    package func close() async {
        let (thread, output) = (self.thread.take(), self.output.take())
        await thread?.stop()
        output?.close()
    }

    package func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async {
        guard let output, let thread, !isDelivering else {
            let state = isDelivering ? "still busy with an earlier delivery" : "not open"
            return report(1, .retry(after: nil, reason: "standard output is \(state)"))
        }
        isDelivering = true
        var cursor = LineCursor(delivery, after: end.tail)
        defer {
            end.tail = cursor.tail
            isDelivering = false
        }
        var isFirst = true
        while !Task.isCancelled, let chunk = cursor.next(limit: Self.chunkSize) {
            // A reader that keeps up would else keep the loop as long as there is something to write.
            if !isFirst { await Task.yield() }
            isFirst = false
            switch await Self.write(chunk, to: output, thread: thread) {
            case .wrote(let count):
                let events = cursor.advance(count)
                if events > 0 { report(events, .delivered) }
            case .failed(let code):
                return report(1, Self.outcome(of: code, isFile: output.isFile))
            case .interrupted, .wouldBlock:
                return
            }
        }
    }

    /// Writes here and now where that cannot wait, and on the thread where it can or must.
    private static func write(_ chunk: OutputChunk, to output: Output, thread: WriterThread) async -> WriteResult {
        if !output.mayBlock {
            let result = chunk.withVectors(output.write)
            if result != .wouldBlock { return result }
        }
        return await thread.write(chunk, to: output)
    }

    private static func outcome(of code: Int32, isFile: Bool) -> DeliveryOutcome {
        let problem = String(cString: strerror(code))
        switch code {
        case EPIPE, ECONNRESET, ENOTCONN, EBADF:
            return .closed(reason: "standard output was closed by its reader (\(problem))")
        case EIO where !isFile:
            return .closed(reason: "standard output's terminal is gone (\(problem))")
        case ENOSPC:
            return .retry(after: nil, reason: "standard output is full (\(problem)); free space on its disk")
        case EDQUOT:
            return .retry(
                after: nil,
                reason: "standard output is beyond this user's quota (\(problem)); "
                    + "raise the quota, or remove files of this user")
        case EFBIG:
            return .retry(
                after: nil,
                reason:
                    "standard output has reached the limit on file sizes (\(problem)); raise the limit on file sizes")
        default:
            return .retry(after: nil, reason: "standard output cannot be written to (\(problem)); check where it goes")
        }
    }

    /// A closed pipe is to be an answer, not the end of the process. A handler that somebody set stays.
    private static func ignoreBrokenPipes() {
        var current = sigaction()
        guard sigaction(SIGPIPE, nil, &current) == 0, current.__sigaction_handler.sa_handler == nil else { return }
        signal(SIGPIPE, SIG_IGN)
    }
}
