import Glibc
import RelayCore

/// What came of an attempt to write.
enum WriteResult: Sendable, Hashable {
    /// So many bytes are written, at least one.
    case wrote(Int)
    /// The reader has no room at the moment.
    case wouldBlock
    /// It failed, with this `errno`.
    case failed(Int32)
    /// The wait for room was cut short; nothing is written.
    case interrupted
}

/// The descriptor that lines are written to, without ever changing the flags of a description that others share.
///
/// A pipe or a terminal is opened once more, for a non-blocking description of our own: setting O_NONBLOCK on the
/// inherited one would set it for the shell and for every process that writes there too.
struct Output: Sendable {
    private enum Manner: Sendable {
        /// Says at once when there is no room.
        case nonBlocking
        /// A socket: each call says that it must not wait.
        case socket
        /// A regular file: there is always room, or an error.
        case file
        /// Blocks: written to in pieces that a pipe with any room takes whole, and only from a thread that may wait.
        case blocking
    }

    /// The descriptor to write to and to wait for.
    let descriptor: Int32
    private let manner: Manner
    private let isOwn: Bool

    /// Looks at a descriptor.
    ///
    /// - Parameters:
    ///   - given: The descriptor, which stays the caller's.
    ///   - reopening: Whether to open pipes and terminals once more.
    /// - Throws: where it is closed, or not open for writing.
    init(_ given: Int32, reopening: Bool = true) throws(SinkError) {
        var status = stat()
        let flags = fcntl(given, F_GETFL)
        guard flags >= 0, fstat(given, &status) == 0 else {
            throw SinkError(
                .misconfigured, reason: "standard output is closed; redirect it, or use another sink")
        }
        guard flags & O_ACCMODE != O_RDONLY else {
            throw SinkError(
                .misconfigured,
                reason: "standard output is open for reading only; open it for writing, or use another sink")
        }
        var own: Int32 = -1
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFBLK: manner = .file
        case S_IFSOCK: manner = .socket
        case _ where flags & O_NONBLOCK != 0: manner = .nonBlocking
        case _ where !reopening: manner = .blocking
        default:
            // Refused where another user owns the pipe, or where it has no reader any more.
            own = open("/proc/self/fd/\(given)", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
            manner = own >= 0 ? .nonBlocking : .blocking
        }
        isOwn = own >= 0
        descriptor = isOwn ? own : given
    }

    /// Whether a write may hold up its thread.
    var mayBlock: Bool {
        switch manner {
        case .nonBlocking, .socket: false
        case .file, .blocking: true
        }
    }

    /// Whether it is a regular file.
    var isFile: Bool { manner == .file }

    /// Closes what was opened here; the given descriptor stays open.
    func close() {
        if isOwn { _ = Glibc.close(descriptor) }
    }

    /// Writes as much as goes at once.
    func write(_ vectors: UnsafeBufferPointer<iovec>) -> WriteResult {
        while true {
            let written =
                switch manner {
                case .nonBlocking, .file: writev(descriptor, vectors.baseAddress, Int32(vectors.count))
                case .socket: sendNow(vectors)
                case .blocking: hasRoom() ? writeLittle(vectors) : -1
                }
            if written > 0 { return .wrote(written) }
            switch written == 0 ? ENOSPC : errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case let code: return .failed(code)
            }
        }
    }

    private func sendNow(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        var message = msghdr()
        message.msg_iov = UnsafeMutablePointer(mutating: vectors.baseAddress)
        message.msg_iovlen = vectors.count
        return sendmsg(descriptor, &message, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL))
    }

    /// As much as a pipe with any room takes whole.
    private func writeLittle(_ vectors: UnsafeBufferPointer<iovec>) -> Int {
        guard let first = vectors.first else { return 0 }
        return Glibc.write(descriptor, first.iov_base, min(first.iov_len, Int(PIPE_BUF)))
    }

    /// Whether what is there already ends in the middle of a line: only of a regular file can that be known.
    func endsInTornLine() -> Bool {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        let appends = fcntl(descriptor, F_GETFL) & O_APPEND != 0
        let end = appends ? status.st_size : min(lseek(descriptor, 0, SEEK_CUR), status.st_size)
        guard end > 0 else { return false }
        // What a shell opened for writing cannot be read through the same description.
        let reader = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC)
        guard reader >= 0 else { return false }
        defer { _ = Glibc.close(reader) }
        var last: UInt8 = 0
        return pread(reader, &last, 1, end - 1) == 1 && last != UInt8(ascii: "\n")
    }

    /// Asks without waiting; where there is none, `errno` says EAGAIN.
    private func hasRoom() -> Bool {
        var question = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        if poll(&question, 1, 0) > 0 { return true }
        errno = EAGAIN
        return false
    }
}
