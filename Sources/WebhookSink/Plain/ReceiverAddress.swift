import Glibc

/// Where a receiver listens, as the system's calls want it.
struct ReceiverAddress: Sendable, Hashable {
    let family: Int32
    private let storage: [UInt8]

    func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R? {
        storage.withUnsafeBytes { bytes in
            bytes.baseAddress.map { body($0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) }
        }
    }

    /// Asks the system, which may take as long as its resolver allows; nil where it knows none.
    static func find(_ host: String, _ port: Int, _ flags: Int32) -> [ReceiverAddress]? {
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
}
