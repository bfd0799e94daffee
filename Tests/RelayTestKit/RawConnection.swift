import Foundation
import Glibc

/// A TCP connection on which a test says what no HTTP client would.
package final class RawConnection {
    private let socket: Int32
    private var received: [UInt8] = []

    package init(to url: String) throws {
        guard let port = url.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw KitFailure("no port in \(url)")
        }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw KitFailure("cannot connect to \(url)") }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    }

    deinit { close(socket) }

    package func send(_ text: String) throws {
        guard sendSome(text) else { throw KitFailure("the connection is closed") }
    }

    /// Whether the connection still stands; what finds no room is left out.
    private func sendSome(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) >= 0 || errno == EAGAIN
    }

    /// Reads until the text has come; gives everything so far.
    package func readUntil(_ text: String) async throws -> String {
        try await eventually("\(text) comes; so far: \(received.count) bytes") {
            _ = readSome()
            return String(decoding: received, as: UTF8.self).contains(text)
        }
        return String(decoding: received, as: UTF8.self)
    }

    /// Reads until the other side closes; gives everything.
    package func readToEnd() async throws -> String {
        try await eventually("the other side closes; so far: \(received.count) bytes") { !readSome() }
        return String(decoding: received, as: UTF8.self)
    }

    /// What has come so far.
    package var text: String {
        _ = readSome()
        return String(decoding: received, as: UTF8.self)
    }

    /// Whether the other side has not closed.
    private func readSome() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(socket, &buffer, buffer.count, 0)
        if count > 0 { received += buffer[..<count] }
        return count > 0 || count < 0 && errno == EAGAIN
    }

    /// Sends a text again and again until the other side closes.
    package func sendUntilClosed(_ text: String, pause: Duration) async throws {
        try await eventually("the connection is closed") {
            let stands = sendSome(text) && readSome()
            if stands { try await Task.sleep(for: pause) }
            return !stands
        }
    }
}
