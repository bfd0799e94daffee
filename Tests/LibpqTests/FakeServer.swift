import Glibc
import Synchronization

/// A TCP listener that says what a test wants a server to say, where no real server would.
final class FakeServer: Sendable {
    /// Where it listens, on 127.0.0.1.
    let port: Int
    private let listener: Int32
    private let accepted = Mutex<[Int32]>([])

    /// A client, on one of its connections.
    struct Client: Sendable {
        /// Counted from 1.
        let connection: Int
        fileprivate let socket: Int32

        /// What came next; empty where the client has closed.
        func read() -> [UInt8] {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(socket, &buffer, buffer.count)
            return Array(buffer.prefix(max(count, 0)))
        }

        func send(_ bytes: [UInt8]) { _ = Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }
        func close() { shutdown(socket, Int32(SHUT_WR)) }
    }

    /// - Parameters:
    ///   - answer: what is sent once the first packet of a connection has come; empty leaves the client waiting.
    ///   - closes: whether the connection is closed after that.
    convenience init(answer: [UInt8], closes: Bool) throws {
        try self.init { client in
            guard !client.read().isEmpty else { return }
            if !answer.isEmpty { client.send(answer) }
            guard closes else { return }
            client.close()
            while !client.read().isEmpty {}
        }
    }

    /// - Parameter serve: called for each connection, on a thread of its own.
    init(_ serve: @escaping @Sendable (Client) -> Void) throws {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, size) != 0 || listen(listener, 16) != 0
                    || getsockname(listener, pointer, &size) != 0
            }
        }
        guard !failed else { throw Unavailable() }
        self.listener = listener
        port = Int(UInt16(bigEndian: address.sin_port))
        Self.thread { [self] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                let number = accepted.withLock { accepted in
                    accepted.append(client)
                    return accepted.count
                }
                Self.thread { serve(Client(connection: number, socket: client)) }
            }
        }
    }

    /// How many connections came.
    var connections: Int { accepted.withLock { $0.count } }

    /// Ends the listener and every connection.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        accepted.withLock { for client in $0 { shutdown(client, Int32(SHUT_RDWR)) } }
    }

    /// An ErrorResponse (PostgreSQL documentation, 55.8): fields by their letters.
    static func error(_ fields: [(Character, String)]) -> [UInt8] {
        var body: [UInt8] = []
        for (letter, value) in fields { body += Array("\(letter)\(value)".utf8) + [0] }
        return message("E", body + [0])
    }

    /// A protocol message: its type, its length, its body.
    static func message(_ type: Character, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(body.count + 4)
        return Array("\(type)".utf8) + (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * $0)) } + body
    }

    private struct Unavailable: Error {}

    private static func thread(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread = pthread_t()
        pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(Box(body)).toOpaque())
        pthread_detach(thread)
    }
}
