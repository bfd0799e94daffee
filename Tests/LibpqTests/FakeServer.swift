import Glibc
import Synchronization

/// A TCP listener that says what a test wants a server to say, where no real server would.
final class FakeServer: Sendable {
    /// Where it listens, on 127.0.0.1.
    let port: Int
    private let listener: Int32
    private let accepted = Mutex<[Int32]>([])

    /// - Parameters:
    ///   - answer: what is sent once the first packet of a connection has come; empty leaves the client waiting.
    ///   - closes: whether the connection is closed after that.
    init(answer: [UInt8], closes: Bool) throws {
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
                accepted.withLock { $0.append(client) }
                Self.thread { [self] in serve(client, answer, closes) }
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

    private func serve(_ client: Int32, _ answer: [UInt8], _ closes: Bool) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        guard read(client, &buffer, 4096) > 0 else { return }
        if !answer.isEmpty { _ = send(client, answer, answer.count, Int32(MSG_NOSIGNAL)) }
        if closes {
            shutdown(client, Int32(SHUT_WR))
            while read(client, &buffer, 4096) > 0 {}
        }
    }

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
