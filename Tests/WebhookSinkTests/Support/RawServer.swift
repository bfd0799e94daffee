import Foundation
import Glibc
import RelayTestKit
import Synchronization

/// A socket that listens at a free port of this machine.
func listener(backlog: Int32) throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in.loopback(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(descriptor, pointer, size) == 0 && listen(descriptor, backlog) == 0
                && getsockname(descriptor, pointer, &size) == 0
        }
    }
    guard isBound else { throw KitFailure("no socket to listen on: \(String(cString: strerror(errno)))") }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

/// A server that writes what no HTTP server would: each connection is served by blocking calls on a thread of its own.
final class RawServer: Sendable {
    let port: Int
    /// Nil once it is to take no more: the number may belong to another socket by then.
    private let listening: Mutex<Int32?>

    /// - Parameter serve: Serves one connection, which is closed afterwards.
    init(_ serve: @escaping @Sendable (RawConnection) -> Void) throws {
        let (descriptor, port) = try listener(backlog: 64)
        self.port = port
        listening = Mutex(descriptor)
        Thread.detachNewThread {
            while true {
                let peer = accept(descriptor, nil, nil)
                if peer < 0, errno == EINTR || errno == ECONNABORTED { continue }
                guard peer >= 0 else { break }
                Thread.detachNewThread {
                    serve(RawConnection(descriptor: peer))
                    close(peer)
                }
            }
            close(descriptor)
        }
    }

    /// Takes no more connections; its thread closes the socket.
    func stop() {
        if let descriptor = listening.withLock({ $0.take() }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    deinit { stop() }
}

/// One connection, read and written by blocking calls.
struct RawConnection: Sendable {
    let descriptor: Int32

    /// Reads a request to the end of its body; empty where the peer closed before.
    func readRequest() -> String {
        var bytes: [UInt8] = []
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let head = bytes.firstRange(of: end) {
                let text = String(decoding: bytes[..<head.lowerBound], as: UTF8.self).lowercased()
                let length = text.split(separator: "content-length: ").dropFirst().first?.prefix { $0.isNumber }
                if bytes.count >= head.upperBound + (length.flatMap { Int($0) } ?? 0) {
                    return String(decoding: bytes, as: UTF8.self)
                }
            }
            guard let more = read() else { return "" }
            bytes += more
        }
    }

    /// What comes next; nil at the end.
    func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let got = Glibc.read(descriptor, &buffer, buffer.count)
        return got > 0 ? Array(buffer.prefix(got)) : nil
    }

    /// Writes; false where the peer is gone.
    @discardableResult
    func send(_ text: String) -> Bool { send(Array(text.utf8)) }

    @discardableResult
    func send(_ bytes: [UInt8]) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Waits until the peer closes.
    func waitForEnd() {
        while read() != nil {}
    }
}
