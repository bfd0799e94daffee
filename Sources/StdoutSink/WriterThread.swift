import DedicatedThreads
import Glibc
import Synchronization

/// A thread of its own for writes that must wait: a reader that does not read holds up nobody but it.
///
/// It does one write at a time, sleeps until the output has room or something changed, and runs until it is stopped.
final class WriterThread: Sendable {
    private struct Job: Sendable {
        let chunk: OutputChunk
        let output: Output
        let interruption: Interruption
        let done: CheckedContinuation<WriteResult, Never>
    }

    private struct Mailbox: Sendable {
        var job: Job?
        var isStopping = false
        var stopped: CheckedContinuation<Void, Never>?
    }

    private let mailbox = Mutex(Mailbox())
    /// Signalled where something changed: look.
    private let wakeUp: WakeUp

    /// Starts the thread; `nil` where the system has no descriptor or no thread left.
    init?() {
        guard let wakeUp = WakeUp() else { return nil }
        self.wakeUp = wakeUp
        // The thread holds the object until it ends.
        guard Pthread.start({ [self] in main() }) != nil else { return nil }
    }

    /// Writes some of a chunk, at least one byte, waiting for room as long as it takes.
    ///
    /// - Returns: `interrupted` promptly when the task is cancelled, unless a regular file holds the write up.
    func write(_ chunk: OutputChunk, to output: Output) async -> WriteResult {
        let interruption = Interruption()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { done in
                let job = Job(chunk: chunk, output: output, interruption: interruption, done: done)
                let isTaken = mailbox.withLock { mailbox in
                    guard !mailbox.isStopping, mailbox.job == nil else { return false }
                    mailbox.job = job
                    return true
                }
                if isTaken { wakeUp.signal() } else { done.resume(returning: .interrupted) }
            }
        } onCancel: {
            interruption.set()
            wakeUp.signal()
        }
    }

    /// Ends the thread and waits until it is gone.
    func stop() async {
        await withCheckedContinuation { (stopped: CheckedContinuation<Void, Never>) in
            let isFirst = mailbox.withLock { mailbox in
                guard !mailbox.isStopping else { return false }
                mailbox.isStopping = true
                mailbox.stopped = stopped
                return true
            }
            if isFirst { wakeUp.signal() } else { stopped.resume() }
        }
    }

    /// Ends the thread without waiting for it.
    func abandon() {
        mailbox.withLock { $0.isStopping = true }
        wakeUp.signal()
    }

    private func main() {
        while true {
            let (job, isStopping) = mailbox.withLock { mailbox in
                (mailbox.job.take(), mailbox.isStopping)
            }
            if let job {
                job.done.resume(returning: perform(job))
            } else if isStopping {
                mailbox.withLock { $0.stopped.take() }?.resume()
                return
            } else {
                wakeUp.wait()
            }
        }
    }

    private func perform(_ job: Job) -> WriteResult {
        while !job.interruption.isSet {
            let result = job.chunk.withVectors(job.output.write)
            guard result == .wouldBlock else { return result }
            wakeUp.wait(socket: job.output.descriptor, events: POLLOUT)
        }
        return .interrupted
    }
}

/// Says from any thread that a wait is no longer wanted.
private final class Interruption: Sendable {
    private let flag = Atomic(false)

    var isSet: Bool { flag.load(ordering: .acquiring) }

    func set() {
        flag.store(true, ordering: .releasing)
    }
}
