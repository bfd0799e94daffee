import Foundation
import Glibc
import Synchronization

/// The network between a relay and its server, as a test wants it: connections hang without an end and go on later,
/// and the answer to a statement gets lost.
package final class NetworkProxy: Sendable {
    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let server: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var isCut = false
        var isOver = false
        var losing: [UInt8]?
        var lost = 0
        var links: [ProxyLink] = []
    }

    /// - Parameter server: the port of the real server, on 127.0.0.1.
    package init(to server: Int) throws {
        self.server = server
        port = try PrivateCluster.freePort()
        listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard Loopback.call(bind, listener, port), listen(listener, 64) == 0 else {
            throw KitFailure("no proxy: \(String(cString: strerror(errno)))")
        }
        Thread.detachNewThread { [weak self, listener] in
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                _ = fcntl(client, F_SETFD, FD_CLOEXEC)
                guard let self else {
                    close(client)
                    return
                }
                serve(client)
            }
        }
    }

    deinit { stop() }

    /// Ends the listener and every connection.
    package func stop() {
        let (first, links) = state.withLock { state in
            defer { state.isOver = true }
            return (!state.isOver, state.links)
        }
        guard first else { return }
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        for link in links { link.end() }
    }

    /// Nothing passes any more, in either direction: neither bytes nor the end of a connection. New ones are taken and
    /// hang as well.
    package func cut() { state.withLock { $0.isCut = true } }

    /// What waited goes on.
    package func heal() { state.withLock { $0.isCut = false } }

    /// The next statement that holds `text` reaches the server; its answer is lost, and so is the connection.
    package func loseAnswer(to text: String) { state.withLock { $0.losing = Array(text.utf8) } }

    /// How many answers were lost.
    package var lostAnswers: Int { state.withLock { $0.lost } }

    fileprivate var isCut: Bool { state.withLock { $0.isCut } }

    private func serve(_ client: Int32) {
        let link = ProxyLink(client: client)
        state.withLock { $0.links.append(link) }
        Thread.detachNewThread { [self] in
            let upstream = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            link.connect(upstream)
            while isCut, !link.isOver { poll(nil, 0, 5) }
            guard Loopback.call(Glibc.connect, upstream, server) else { return link.finish(pumps: 2) }
            Thread.detachNewThread { [self] in pump(link, from: upstream, to: client, isRequest: false) }
            pump(link, from: client, to: upstream, isRequest: true)
        }
    }

    private func pump(_ link: ProxyLink, from source: Int32, to target: Int32, isRequest: Bool) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer {
            buffer.deallocate()
            link.finish(pumps: 1)
        }
        while !link.isOver {
            var ready = pollfd(fd: source, events: Int16(POLLIN), revents: 0)
            if isCut || poll(&ready, 1, 20) == 0 {
                if isCut { poll(nil, 0, 5) }
                continue
            }
            let count = recv(source, buffer.baseAddress, buffer.count, 0)
            while isCut, !link.isOver { poll(nil, 0, 5) }
            guard count > 0 else { return link.end() }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if isRequest, mustLoseAnswer(to: bytes) {
                link.losesAnswer = true
            } else if !isRequest, link.losesAnswer {
                return link.end()
            }
            var sent = 0
            while sent < count {
                let taken = send(target, bytes.baseAddress.map { $0 + sent }, count - sent, Int32(MSG_NOSIGNAL))
                guard taken > 0 else { return link.end() }
                sent += taken
            }
        }
    }

    private func mustLoseAnswer(to bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            guard let text = state.losing, bytes.firstRange(of: text) != nil else { return false }
            state.losing = nil
            state.lost += 1
            return true
        }
    }
}

/// One connection through the proxy: both its sockets, until both directions have ended.
private final class ProxyLink: Sendable {
    private let client: Int32
    private let state = Mutex((upstream: Int32(-1), isOver: false, losesAnswer: false, ended: 0))

    init(client: Int32) { self.client = client }

    var isOver: Bool { state.withLock { $0.isOver } }

    var losesAnswer: Bool {
        get { state.withLock { $0.losesAnswer } }
        set { state.withLock { $0.losesAnswer = newValue } }
    }

    func connect(_ upstream: Int32) { state.withLock { $0.upstream = upstream } }

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
private enum Loopback {
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
