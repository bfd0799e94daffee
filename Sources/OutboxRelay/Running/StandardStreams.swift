import Glibc
import RelayCore

/// The three descriptors that a process is born with, or without.
enum StandardStreams {
    /// Those that were closed when this was first asked, which `main` does before anything opens a descriptor. They lead
    /// to the null device since: else the next descriptor that is opened, a socket say, would be taken for one of them.
    static let closedAtStart: Set<Int32> = occupyClosed()

    /// Refuses a standard output to which no event could be written.
    static func checkOutput() throws(SinkError) {
        guard !closedAtStart.contains(STDOUT_FILENO) else {
            throw SinkError(
                .misconfigured,
                reason: "standard output was closed at start; redirect it, or use another sink")
        }
        guard fcntl(STDOUT_FILENO, F_GETFL) & O_ACCMODE != O_RDONLY else {
            throw SinkError(
                .misconfigured,
                reason: "standard output is open for reading only; open it for writing, or use another sink")
        }
    }

    /// Opens standard error once more where it is a pipe or a terminal, for a description of our own that never makes
    /// anybody wait: what does not go through ``LogOutput`` (libpq writes a warning of its own) must not wait either.
    /// Setting the flag on the inherited description would set it for every process that writes there too.
    static func makeErrorsNonBlocking() {
        var status = stat()
        guard fstat(STDERR_FILENO, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFIFO || isatty(STDERR_FILENO) == 1 else { return }
        let own = open("/proc/self/fd/\(STDERR_FILENO)", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
        // Refused where another user owns the pipe: then it stays as it is.
        guard own >= 0 else { return }
        dup2(own, STDERR_FILENO)
        close(own)
    }

    private static func occupyClosed() -> Set<Int32> {
        var closed: Set<Int32> = []
        // Ascending, since what is opened gets the lowest number that is free.
        for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(number, F_GETFD) < 0 {
            closed.insert(number)
            let direction = number == STDIN_FILENO ? O_RDONLY : O_WRONLY
            // Where there is no null device, a folder holds the place: what is written there is an error.
            if open("/dev/null", direction) < 0 { _ = open("/", O_RDONLY | O_DIRECTORY) }
        }
        return closed
    }
}
