import Glibc
import Synchronization

/// A thread of its own for writes that must wait: a reader that does not read holds up nobody but it.
///
/// It does one write at a time, sleeps in `poll` on the output and on a pair of sockets to itself, and runs until it is
/// stopped.
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
    /// The ends of a pair of sockets, on which a byte says: something changed, look.
    private let (wake, bell): (Int32, Int32)

    /// Starts the thread; `nil` where the system has no descriptor or no thread left.
    init?() {
        var ends: (Int32, Int32) = (-1, -1)
        let made = withUnsafeMutableBytes(of: &ends) { ends in
            socketpair(
                AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0,
                ends.assumingMemoryBound(to: Int32.self).baseAddress)
        }
        (wake, bell) = ends
        guard made == 0 else { return nil }
        // The thread holds the object until it ends.
        let itself = Unmanaged.passRetained(self)
        var thread = pthread_t()
        let failure = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<WriterThread>.fromOpaque(argument).takeRetainedValue().main()
                return nil
            }, itself.toOpaque())
        guard failure == 0 else {
            itself.release()
            return nil
        }
        pthread_detach(thread)
    }

    deinit {
        if wake >= 0 { _ = close(wake) }
        if bell >= 0 { _ = close(bell) }
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
                if isTaken { signal() } else { done.resume(returning: .interrupted) }
            }
        } onCancel: {
            interruption.set()
            signal()
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
            if isFirst { signal() } else { stopped.resume() }
        }
    }

    /// Ends the thread without waiting for it.
    func abandon() {
        mailbox.withLock { $0.isStopping = true }
        signal()
    }

    private func main() {
        // Signals are for the process; and a pipe that was closed is an error to be answered, not a reason to die.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
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
                wait(for: -1)
            }
        }
    }

    private func perform(_ job: Job) -> WriteResult {
        while !job.interruption.isSet {
            let result = job.chunk.withBytes(job.output.write)
            guard result == .wouldBlock else { return result }
            wait(for: job.output.descriptor)
        }
        return .interrupted
    }

    /// Sleeps until a descriptor has room or fails, or something signals.
    private func wait(for descriptor: Int32) {
        var both = [
            pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
        ]
        guard poll(&both, 2, -1) > 0, both[0].revents != 0 else { return }
        var rings = [UInt8](repeating: 0, count: 64)
        _ = read(wake, &rings, rings.count)
    }

    private func signal() {
        var ring: UInt8 = 1
        // It fails only where the pair is full, and then there is enough to wake up for.
        _ = Glibc.write(bell, &ring, 1)
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
