import Glibc
import Synchronization

/// One connection through the proxy: both its sockets, until both directions have ended.
final class ProxyLink: Sendable {
    private let client: Int32
    private let state = Mutex((upstream: Int32(-1), isOver: false, losesAnswer: false, ended: 0))
    /// The request that is under way, where it is to be sent once more.
    private let request = Mutex<[UInt8]?>(nil)
    /// What is kept of one; a longer one is not repeated.
    private static let longestRequest = 4 << 20

    init(client: Int32) { self.client = client }

    var isOver: Bool { state.withLock { $0.isOver } }

    var losesAnswer: Bool {
        get { state.withLock { $0.losesAnswer } }
        set { state.withLock { $0.losesAnswer = newValue } }
    }

    func connect(_ upstream: Int32) { state.withLock { $0.upstream = upstream } }

    /// Keeps what passes towards the server, from the beginning of a request on.
    func keep(_ bytes: UnsafeRawBufferPointer, beginsRequest: Bool) {
        request.withLock { request in
            if beginsRequest { request = [] }
            guard let kept = request else { return }
            request = kept.count + bytes.count > Self.longestRequest ? nil : kept + bytes
        }
    }

    /// The request whose answer has begun to come.
    func takeRequest() -> [UInt8]? { request.withLock { $0.take() } }

    /// Ends both directions.
    func end() {
        state.withLock { state in
            guard !state.isOver else { return }
            state.isOver = true
            shutdown(client, Int32(SHUT_RDWR))
            shutdown(state.upstream, Int32(SHUT_RDWR))
        }
    }

    /// So many directions have ended; with the second one the descriptors go.
    func finish(pumps: Int) {
        end()
        state.withLock { state in
            state.ended += pumps
            guard state.ended == 2 else { return }
            close(client)
            close(state.upstream)
        }
    }
}

/// 127.0.0.1 as the socket calls want it.
enum Loopback {
    static func call(
        _ function: (Int32, UnsafePointer<sockaddr>?, socklen_t) -> Int32, _ socket: Int32, _ port: Int
    ) -> Bool {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        address.sin_port = UInt16(truncatingIfNeeded: port).bigEndian
        return withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                function(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
