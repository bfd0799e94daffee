import DedicatedThreads
import Foundation
import NIOCore
import NIOHTTP1
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing

@testable import WebhookSink

@Suite("Plain connections", .timeLimit(.minutes(2)))
struct PlainConnectionTests {
    /// How often something came about, told by the server's threads.
    private final class Count: Sendable {
        private let value = Mutex(0)
        var now: Int { value.withLock(\.self) }
        func add() { value.withLock { $0 += 1 } }
    }

    @Test func anIdleOneIsClosedAfterAWhile() async throws {
        let ended = Count()
        let server = try RawServer { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 204 No Content\r\n\r\n")
            connection.waitForEnd()
            ended.add()
        }
        let settings = settings("http://127.0.0.1:\(server.port)/") { $0.idleTimeout = .milliseconds(50) }
        let batch = try makeBatch(1...1)
        try await withSink(settings) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 1)
            try await eventually("the connection is closed while the sink is open") { ended.now == 1 }
            // And the next request has another.
            #expect(await sink.answers(to: batch.whole).delivered == 1)
        }
        try await eventually("the sink's end closes what is idle") { ended.now == 2 }
    }

    /// What comes unasked, or behind the response, is not the next answer.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\nx", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ])
    func anAnswerThatGoesOnEndsTheConnection(text: String) async throws {
        let connections = Count()
        let server = try RawServer { connection in
            connections.add()
            while !connection.readRequest().isEmpty { connection.send(text) }
        }
        let answers = try await answers(to: 3, settings("http://127.0.0.1:\(server.port)/"))
        #expect(answers.delivered == 3 && answers.failures.isEmpty)
        #expect(connections.now == 3)
    }

    /// A name may have addresses at which nobody listens, or where nothing answers.
    @Test func everyAddressIsTried() async throws {
        let server = try RawServer { connection in
            while !connection.readRequest().isEmpty { connection.send("HTTP/1.1 204 No Content\r\n\r\n") }
        }
        let full = try FullListener()
        let closed = try closedPort()
        let thread = try #require(DedicatedThread())
        let settings = settings("http://hook.example:\(server.port)/")
        let addresses = [closed, full.port, server.port].flatMap {
            ReceiverAddress.find("127.0.0.1", $0, AI_NUMERICHOST) ?? []
        }
        try #require(addresses.count == 3)
        let exchange = PlainExchange(
            settings, to: try Endpoint(settings.url), on: thread,
            names: NameLookUp(on: thread, literal: addresses) { [] })
        let answer = try await exchange.post(WebhookRequest(headers: [:], body: ByteBuffer()))
        #expect(answer.status == .noContent)
        await exchange.close()
        // Where none accepts, the one that says why is quoted.
        let refused = PlainExchange(
            settings, to: try Endpoint(settings.url), on: thread,
            names: NameLookUp(on: thread, literal: Array(addresses.prefix(1))) { [] })
        await #expect(throws: PlainFailure.unreachable(ECONNREFUSED)) {
            _ = try await refused.post(WebhookRequest(headers: [:], body: ByteBuffer()))
        }
    }

    /// A port at which nobody listens.
    private func closedPort() throws -> Int {
        let (descriptor, port) = try listener(backlog: 1)
        close(descriptor)
        return port
    }

    /// As the relay runs it: nothing on another thread, and nothing that waits holds the loop.
    @Test func twoSinksOnOneLoop() async throws {
        let thread = try #require(DedicatedThread())
        let server = try RawServer { connection in
            while !connection.readRequest().isEmpty { connection.send("HTTP/1.1 204 No Content\r\n\r\n") }
        }
        let asked = Count()
        let silent = try RawServer { connection in
            _ = connection.readRequest()
            asked.add()
            connection.waitForEnd()
        }
        let sinks = [server.port, silent.port].map {
            WebhookSink(settings("http://127.0.0.1:\($0)/"), on: thread)
        }
        let batch = try makeBatch(1...200)
        let (well, hung) = try await Task(executorPreference: thread.tasks) { () -> (Answers, Answers) in
            for sink in sinks { try await sink.open(OutboxPosition(lastValue: 0)) }
            let waiting = Task(executorPreference: thread.tasks) { await sinks[1].answers(to: batch.whole) }
            try await eventually("the silent one has its request") { asked.now == 1 }
            let well = await sinks[0].answers(to: batch.whole)
            // The other waits for its answer, and ends promptly when nobody wants it any more.
            waiting.cancel()
            let hung = await waiting.value
            for sink in sinks { await sink.close() }
            return (well, hung)
        }.value
        #expect(well.delivered == 200 && well.failures.isEmpty)
        #expect(hung.delivered == 0 && hung.failures.isEmpty)
    }

    /// The clock is asked where a request is made, by the relay's own thread or by another.
    @Test func aLargeRequestIsMadeOffTheLoop() async throws {
        let thread = try #require(DedicatedThread())
        let server = try RawServer { connection in
            while !connection.readRequest().isEmpty { connection.send("HTTP/1.1 204 No Content\r\n\r\n") }
        }
        let asking = Places()
        let sink = WebhookSink(settings("http://127.0.0.1:\(server.port)/"), on: thread) {
            asking.add()
            return 1_700_000_000
        }
        let (small, large) = (try makeBatch(1...1), try makeBatch(2...2, payloadSize: 2 << 20))
        let loop = try await Task(executorPreference: thread.tasks) { () -> pthread_t in
            try await sink.open(OutboxPosition(lastValue: 0))
            for batch in [small, large] { #expect(await sink.answers(to: batch.whole).delivered == 1) }
            await sink.close()
            return pthread_self()
        }.value
        #expect(asking.all.first == loop)
        #expect(asking.all.count == 2 && asking.all.last != loop)
    }

    /// Bytes that come for ever are no answer, however fast they come.
    @Test func aHeadThatNeverPausesEndsWithTheTimeout() async throws {
        let filler = [UInt8](repeating: UInt8(ascii: "a"), count: 1 << 16)
        let server = try RawServer { connection in
            connection.send("HTTP/1.1 200 OK\r\nx: ")
            while connection.send(filler) {}
        }
        // Over long before the 8 MiB at which a head ends.
        let settings = settings("http://127.0.0.1:\(server.port)/") { $0.timeout = .milliseconds(1) }
        let answers = try await answers(settings)
        #expect(answers.outage?.hasSuffix("did not answer within 0.001 seconds") == true, "\(answers)")
    }

    @Test func aConnectionThatNobodyAcceptsEndsWithItsTimeout() async throws {
        // A full queue of a listener that accepts nothing: the next connection's handshake is not answered.
        let full = try FullListener()
        let settings = settings("http://127.0.0.1:\(full.port)/") { $0.connectTimeout = .milliseconds(100) }
        let answers = try await answers(settings)
        #expect(answers.outage == "connecting to http://127.0.0.1:\(full.port) took longer than 0.1 seconds")
    }
}

/// A listener that accepts nothing, with its queue full.
private final class FullListener: Sendable {
    let port: Int
    private let descriptors: [Int32]

    init() throws {
        let (listener, port) = try WebhookSinkTests.listener(backlog: 0)
        self.port = port
        var address = sockaddr_in.loopback(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        var all = [listener]
        // One more than the queue takes; those beyond it never finish, and must not hold the test up.
        for _ in 0..<4 {
            let client = socket(
                AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
            withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(client, $0, size) }
            }
            all.append(client)
        }
        descriptors = all
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

/// The threads that have called.
private final class Places: Sendable {
    private let seen = Mutex<[pthread_t]>([])

    var all: [pthread_t] { seen.withLock { $0 } }
    func add() { seen.withLock { $0.append(pthread_self()) } }
}
