import Foundation
import Glibc
import Synchronization

/// The network between a relay and a server, as a test wants it: connections hang without an end and go on later, are
/// slow, are reset; the answer to a statement gets lost; a request is delivered twice.
package final class NetworkProxy: Sendable {
    /// Where it listens, on 127.0.0.1.
    package let port: Int
    private let server: Int
    private let listener: Int32
    private let state = Mutex(State())

    /// Which way the bytes go.
    package enum Way: Sendable {
        case both, toServer, fromServer

        fileprivate func includes(request: Bool) -> Bool { self == .both || (self == .toServer) == request }
    }

    private struct State {
        var cut: Way?
        var delay = Duration.zero
        var copies = false
        var copied = 0
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

    /// Nothing passes any more that way: neither bytes nor the end of a connection. New ones are taken and hang as well.
    package func cut(_ way: Way = .both) { state.withLock { $0.cut = way } }

    /// Whatever passes waits so long first, at most half a second, portion by portion.
    package func slow(_ delay: Duration) { state.withLock { $0.delay = min(delay, .milliseconds(500)) } }

    /// Each POST over HTTP/1.1 that is answered reaches the server once more, later and on a connection of its own,
    /// with a header `x-copy` that tells it from the one that the client sent. (Segments of TCP cannot be repeated from
    /// above TCP, and would not be seen there.)
    package func copy() { state.withLock { $0.copies = true } }

    /// Every connection ends at once; new ones are taken.
    package func reset() {
        let links = state.withLock { state in
            defer { state.links = [] }
            return state.links
        }
        for link in links { link.end() }
    }

    /// What waited goes on, as fast as it can, and once.
    package func heal() { state.withLock { ($0.cut, $0.delay, $0.copies) = (nil, .zero, false) } }

    /// How many requests were delivered twice.
    package var copied: Int { state.withLock { $0.copied } }

    /// The next statement that holds `text` reaches the server; its answer is lost, and so is the connection.
    package func loseAnswer(to text: String) { state.withLock { $0.losing = Array(text.utf8) } }

    /// How many answers were lost.
    package var lostAnswers: Int { state.withLock { $0.lost } }

    private func isCut(request: Bool) -> Bool { state.withLock { $0.cut?.includes(request: request) ?? false } }

    private func serve(_ client: Int32) {
        let link = ProxyLink(client: client)
        state.withLock { state in
            state.links.removeAll(where: \.isOver)
            state.links.append(link)
        }
        Thread.detachNewThread { [self] in
            let upstream = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            link.connect(upstream)
            while isCut(request: true), !link.isOver { poll(nil, 0, 5) }
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
            if isCut(request: isRequest) || poll(&ready, 1, 20) == 0 {
                if isCut(request: isRequest) { poll(nil, 0, 5) }
                continue
            }
            let count = recv(source, buffer.baseAddress, buffer.count, 0)
            wait()
            while isCut(request: isRequest), !link.isOver { poll(nil, 0, 5) }
            guard count > 0 else { return link.end() }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            if isRequest, mustLoseAnswer(to: bytes) {
                link.losesAnswer = true
            } else if !isRequest, link.losesAnswer {
                return link.end()
            }
            if isRequest { keep(bytes, of: link) } else { repeatRequest(of: link) }
            var sent = 0
            while sent < count {
                let taken = send(target, bytes.baseAddress.map { $0 + sent }, count - sent, Int32(MSG_NOSIGNAL))
                guard taken > 0 else { return link.end() }
                sent += taken
            }
        }
    }

    private func wait() {
        let delay = state.withLock { $0.delay }
        if delay > .zero { poll(nil, 0, Int32(delay / .milliseconds(1))) }
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, of link: ProxyLink) {
        let begins = state.withLock { $0.copies } && bytes.starts(with: "POST ".utf8)
        link.keep(bytes, beginsRequest: begins)
    }

    /// Sends the request that is being answered once more.
    private func repeatRequest(of link: ProxyLink) {
        guard let request = link.takeRequest(), let line = request.firstRange(of: "\r\n".utf8) else { return }
        let marked = request[..<line.upperBound] + Array("x-copy: 1\r\n".utf8) + request[line.upperBound...]
        state.withLock { $0.copied += 1 }
        Thread.detachNewThread { [server] in
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            defer { close(socket) }
            guard Loopback.call(Glibc.connect, socket, server) else { return }
            let sent = marked.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            var ready = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            if sent == marked.count { poll(&ready, 1, 5000) }
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
