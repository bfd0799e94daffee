import Foundation
import Glibc
import Synchronization

/// A pooler in the manner of transaction pooling: each client has two sessions of the server, and every transaction goes
/// to the other one than the transaction before.
package final class TransactionPooler: Sendable {
    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let server: Int
    private let listener: Int32
    private let showsPID: Bool

    /// - Parameters:
    ///   - server: the port of the real server, on 127.0.0.1, which trusts everybody.
    ///   - showsPID: whether clients are told the pid of the first of their two sessions; else one that there is not.
    package init(to server: Int, showsPID: Bool) throws {
        self.server = server
        self.showsPID = showsPID
        port = try PrivateCluster.freePort()
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard Loopback.call(bind, listener, port), listen(listener, 16) == 0 else {
            throw KitFailure("no pooler: \(String(cString: strerror(errno)))")
        }
        Thread.detachNewThread { [listener, server, showsPID] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                Thread.detachNewThread { PooledClient(client, server: server, showsPID: showsPID).serve() }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

/// One client, on a thread of its own, until it or the server leaves.
private struct PooledClient {
    private let client: Int32
    private let server: Int
    private let showsPID: Bool

    init(_ client: Int32, server: Int, showsPID: Bool) {
        (self.client, self.server, self.showsPID) = (client, server, showsPID)
    }

    func serve() {
        let sessions = (0..<2).map { _ in
            socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        }
        defer { for descriptor in sessions + [client] { close(descriptor) } }
        guard let startup = startup(), sessions.allSatisfy({ Loopback.call(connect, $0, server) }) else { return }
        for (place, session) in sessions.enumerated() {
            guard write(startup, to: session), relayAnswer(of: session, shows: place == 0) != nil else { return }
        }
        var turn = 0
        while let message = message(from: client) {
            guard write(message, to: sessions[turn]) else { return }
            // Query, Sync: the server answers up to ReadyForQuery (PostgreSQL documentation, 55.7).
            guard message[0] == UInt8(ascii: "Q") || message[0] == UInt8(ascii: "S") else { continue }
            guard let state = relayAnswer(of: sessions[turn], shows: true) else { return }
            if state == UInt8(ascii: "I") { turn = 1 - turn }
        }
    }

    /// The client's first message; requests for encryption before it are refused, one to cancel is dropped.
    private func startup() -> [UInt8]? {
        while let length = read(4, from: client), let body = read(size(length) - 4, from: client) {
            switch size(Array(body.prefix(4))) {
            case 80_877_103, 80_877_104:
                guard write([UInt8(ascii: "N")], to: client) else { return nil }
            case 80_877_102: return nil
            default: return length + body
            }
        }
        return nil
    }

    /// Passes on what a session says until it is ready.
    ///
    /// - Returns: the state of its transaction; nil where the session or the client is gone.
    private func relayAnswer(of session: Int32, shows: Bool) -> UInt8? {
        while var message = message(from: session) {
            if message[0] == UInt8(ascii: "K"), !showsPID { message.replaceSubrange(5..<9, with: [0, 0, 0, 1]) }
            if shows, !write(message, to: client) { return nil }
            if message[0] == UInt8(ascii: "Z") { return message[5] }
            if message[0] == UInt8(ascii: "E"), !shows { return nil }
        }
        return nil
    }

    /// A message with its kind and its length.
    private func message(from descriptor: Int32) -> [UInt8]? {
        guard let head = read(5, from: descriptor), let body = read(size(Array(head[1...])) - 4, from: descriptor)
        else { return nil }
        return head + body
    }

    private func size(_ bytes: [UInt8]) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    private func read(_ count: Int, from descriptor: Int32) -> [UInt8]? {
        guard count >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var have = 0
        while have < count {
            let more = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + have }, count - have, 0)
            }
            guard more > 0 else { return nil }
            have += more
        }
        return bytes
    }

    private func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let more = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard more > 0 else { return false }
            sent += more
        }
        return true
    }
}
