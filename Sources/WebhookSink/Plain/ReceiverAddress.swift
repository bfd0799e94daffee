import DedicatedThreads
import Glibc
import Synchronization

/// Where a receiver listens, as the system's calls want it.
struct ReceiverAddress: Sendable, Hashable {
    let family: Int32
    private let storage: [UInt8]

    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R? {
        storage.withUnsafeBytes { bytes in
            bytes.baseAddress.map { body($0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) }
        }
    }

    /// The addresses of a host, in the order in which the system prefers them. A name is looked up by a thread of its own,
    /// because nothing can interrupt that; it is left to itself where it takes too long.
    ///
    /// - Throws: `PlainFailure`; `CancellationError`.
    static func of(
        _ host: String, port: Int, on thread: DedicatedThread, until deadline: ContinuousClock.Instant
    ) async throws -> [ReceiverAddress] {
        if let literal = lookUp(host, port, AI_NUMERICHOST) { return literal }
        let found = LookUp(Sleeper(thread))
        guard Pthread.start({ found.give(lookUp(host, port, 0)) }) != nil else { throw PlainFailure.noMeans(EAGAIN) }
        return try await withTaskCancellationHandler {
            while true {
                try Task.checkCancellation()
                if let answer = found.answer {
                    guard let addresses = answer, !addresses.isEmpty else { throw PlainFailure.unresolved }
                    return addresses
                }
                guard ContinuousClock.now < deadline else { throw PlainFailure.connectTimeout }
                _ = await found.sleeper.wait(until: deadline)
            }
        } onCancel: {
            found.sleeper.signal()
        }
    }

    /// Nil where there is none.
    private static func lookUp(_ host: String, _ port: Int, _ flags: Int32) -> [ReceiverAddress]? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = flags | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0 else { return nil }
        defer { freeaddrinfo(list) }
        var addresses: [ReceiverAddress] = []
        var next = list
        while let entry = next {
            if let address = entry.pointee.ai_addr {
                let bytes = UnsafeRawBufferPointer(start: address, count: Int(entry.pointee.ai_addrlen))
                addresses.append(ReceiverAddress(family: entry.pointee.ai_family, storage: Array(bytes)))
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }

    /// What the thread finds, and who waits for it.
    private final class LookUp: Sendable {
        let sleeper: Sleeper
        private let found = Mutex<[ReceiverAddress]??>(nil)

        init(_ sleeper: Sleeper) {
            self.sleeper = sleeper
        }

        /// Nil while it is not known; in it nil where there is no address.
        var answer: [ReceiverAddress]?? { found.withLock(\.self) }

        func give(_ addresses: [ReceiverAddress]?) {
            found.withLock { $0 = .some(addresses) }
            sleeper.signal()
        }
    }
}
