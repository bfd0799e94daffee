import DedicatedThreads
import Glibc

/// A connected TCP socket that never holds its thread; one task uses it at a time.
struct PlainSocket: Sendable {
    /// What came of a look at the socket.
    enum Received: Sendable, Hashable {
        case bytes(Int)
        /// Nothing is there yet.
        case nothing
        /// The other side sends no more.
        case end
    }

    let descriptor: Int32
    private let sleeper: Sleeper

    /// Connects to one address.
    ///
    /// - Throws: `PlainFailure`; `CancellationError`.
    init(
        to address: ReceiverAddress, on thread: DedicatedThread, until deadline: ContinuousClock.Instant
    ) async throws {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.family, kind, 0)
        let failure = errno
        sleeper = Sleeper(thread)
        guard descriptor >= 0 else {
            // Else it is this address that the system cannot reach.
            let lacks = [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(failure)
            throw lacks ? PlainFailure.noMeans(failure) : .unreachable(failure)
        }
        do {
            try await connect(to: address, until: deadline)
        } catch {
            close()
            throw error
        }
    }

    private func connect(to address: ReceiverAddress, until deadline: ContinuousClock.Instant) async throws {
        var yes: Int32 = 1
        _ = setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) } ?? -1
        if result == 0 { return }
        guard errno == EINPROGRESS || errno == EINTR else { throw PlainFailure.unreachable(errno) }
        guard try await wait(for: POLLOUT, until: deadline) != 0 else { throw PlainFailure.connectTimeout }
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 else {
            throw PlainFailure.unreachable(errno)
        }
        guard code == 0 else { throw PlainFailure.unreachable(code) }
    }

    func close() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    /// Whether nothing came that nobody asked for: neither bytes nor the end.
    var isQuiet: Bool {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) < 0
            && errno == EAGAIN
    }

    /// Waits for any of `events`.
    ///
    /// - Returns: what is ready; 0: nothing was by `deadline`.
    /// - Throws: `CancellationError`.
    func wait(for events: Int32, until deadline: ContinuousClock.Instant) async throws -> Int32 {
        let sleeper = sleeper
        return try await withTaskCancellationHandler {
            while true {
                try Task.checkCancellation()
                let ready = await sleeper.wait(socket: descriptor, events: events, until: deadline)
                if ready != 0 { return ready }
                if ContinuousClock.now >= deadline {
                    try Task.checkCancellation()
                    return 0
                }
            }
        } onCancel: {
            sleeper.signal()
        }
    }

    /// Sends as much of the two parts, one behind the other, as goes at once.
    ///
    /// - Throws: `PlainFailure.broken`.
    func send(
        _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer
    ) throws(PlainFailure) -> Int {
        let sent = withUnsafeTemporaryAllocation(of: iovec.self, capacity: 2) { vectors in
            vectors.initializeElement(
                at: 0, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress), iov_len: head.count))
            vectors.initializeElement(
                at: 1, to: iovec(iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress), iov_len: body.count))
            var message = msghdr()
            message.msg_iov = vectors.baseAddress
            message.msg_iovlen = 2
            return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
        }
        if sent >= 0 { return sent }
        guard errno == EAGAIN || errno == EINTR else { throw .broken(errno) }
        return 0
    }

    /// Takes what has come.
    ///
    /// - Throws: `PlainFailure.broken`.
    func receive(into buffer: UnsafeMutableRawBufferPointer) throws(PlainFailure) -> Received {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        if count == 0 { return .end }
        guard errno == EAGAIN || errno == EINTR else { throw .broken(errno) }
        return .nothing
    }
}
