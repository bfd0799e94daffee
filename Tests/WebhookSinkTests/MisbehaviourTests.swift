import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing
import WebhookSink

@Suite("Receivers that misbehave", .timeLimit(.minutes(2)))
struct MisbehaviourTests {
    /// What one event came to at a server that serves every connection so.
    private func answers(
        to count: Int64 = 1, timeout: Duration = .seconds(30),
        _ serve: @escaping @Sendable (RawConnection) -> Void
    ) async throws -> Answers {
        let server = try RawServer(serve)
        let settings = settings("http://127.0.0.1:\(server.port)/") { $0.timeout = timeout }
        return try await WebhookSinkTests.answers(to: count, settings)
    }

    @Test func hangsUpBeforeAnswering() async throws {
        let answers = try await answers { _ = $0.readRequest() }
        #expect(answers.outage?.hasSuffix("closed the connection before it answered") == true)
    }

    @Test func hangsUpBeforeReading() async throws {
        let answers = try await answers(to: 3) { _ in }
        #expect(answers.delivered == 0)
        #expect(answers.outage != nil)
    }

    @Test(arguments: ["HTTP/1.1 2", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nconten", "HTTP/1.1 200 OK\r\nx: y\r\n"])
    func cutWithinTheHead(text: String) async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            connection.send(text)
        }
        #expect(answers.delivered == 0)
        #expect(answers.outage != nil)
    }

    @Test(arguments: ["hello\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "\0\0\0\0\0\0\0\0\n\n"])
    func whatIsNoHTTP(text: String) async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            connection.send(text)
            connection.waitForEnd()
        }
        #expect(answers.delivered == 0)
        #expect(answers.outage?.contains("answered with something that is not HTTP") == true, "\(answers)")
    }

    @Test(arguments: ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nx: y\r\n"])
    func silenceEndsWithTheTimeout(text: String) async throws {
        let start = ContinuousClock.now
        let answers = try await answers(timeout: .milliseconds(200)) { connection in
            _ = connection.readRequest()
            connection.send(text)
            connection.waitForEnd()
        }
        #expect(answers.outage?.hasSuffix("did not answer within 0.2 seconds") == true)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func headersWithoutEnd() async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\n")
            while connection.send(String(repeating: "x-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", count: 100)) {}
        }
        #expect(answers.delivered == 0)
        #expect(answers.outage?.hasSuffix("answered with a head that is longer than 8 MiB") == true)
    }

    @Test func oneHeaderWithoutEnd() async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\nx: ")
            while connection.send(String(repeating: "a", count: 1 << 16)) {}
        }
        #expect(answers.delivered == 0)
        #expect(answers.outage != nil)
    }

    /// Header fields, by the beginning of them.
    struct Fields: Sendable, ExpressibleByStringLiteral, CustomTestStringConvertible {
        var text: String
        var testDescription: String { "\(text.prefix(60).debugDescription), \(text.utf8.count) bytes" }

        init(stringLiteral text: String) { self.text = text }
        init(_ field: String, times: Int) { text = String(repeating: field, count: times) }
    }

    /// The receiver has stored the event, and said so: nothing else in the head takes that back.
    @Test(arguments: [
        Fields("x-small: 1\r\n", times: 300),
        Fields("x-large: \(String(repeating: "a", count: 100_000))\r\n", times: 1),
        Fields("x-large: \(String(repeating: "a", count: 10_000))\r\n", times: 300),
        "x-folded: one\r\n two\r\n\tthree\r\n", "no field at all\r\n", ": no name\r\n", "x y: a name of two words\r\n",
        "x-nul: \0\r\n", "x-return: a\rb\r\n", "x-bytes: \u{FF}\u{80}\r\n",
        "content-length: 5\r\ncontent-length: 6\r\n",
        "content-length: five\r\n", "content-length: 99999999999999999999\r\n",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n", "transfer-encoding: gzip\r\n",
        "connection: upgrade\r\nupgrade: h2c\r\n",
    ])
    func aHeadOfAnyForm(fields: Fields) async throws {
        for status in ["200 OK", "200", "204 No Content", "299 \u{FC}\u{1}"] {
            let answers = try await answers(to: 2) { connection in
                // One without a body promises to stay.
                repeat {
                    guard !connection.readRequest().isEmpty else { return }
                    connection.send("HTTP/1.1 \(status)\r\n\(fields.text)\r\n")
                } while status.hasPrefix("204")
            }
            #expect(answers.delivered == 2, "\(status)")
            #expect(answers.failures.isEmpty)
        }
    }

    /// A kept connection answers one request after the other, whatever heads it has sent before.
    @Test func aKeptConnectionAfterALargeHead() async throws {
        let connections = Connections()
        let answers = try await answers(to: 20) { connection in
            connections.count.add(1, ordering: .relaxed)
            let large = "x: \(String(repeating: "a", count: 100_000))\r\n"
            while !connection.readRequest().isEmpty {
                connection.send("HTTP/1.1 200 OK\r\n\(large)content-length: 2\r\n\r\nok")
            }
        }
        #expect(answers.delivered == 20)
        #expect(connections.count.load(ordering: .relaxed) == 1)
    }

    @Test func theSecondsToWaitAreFoundInALargeHead() async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            let large = String(repeating: "x-small: 1\r\n", count: 300)
            connection.send("HTTP/1.1 503 Busy\r\n\(large)retry-after:\r\n 7\r\ncontent-length: 4\r\n\r\nbusy")
            connection.waitForEnd()
        }
        guard case .retry(let after, let reason)? = answers.failures.first else {
            Issue.record("\(answers)")
            return
        }
        #expect(after == .seconds(7))
        #expect(reason.hasSuffix("answered 503 Service Unavailable: \"busy\""))
    }

    // The status has decided: what follows neither repeats the event nor holds the next one up for long.
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nabc",
        "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil the connection ends",
    ])
    func aBodyWithoutEnd(text: String) async throws {
        let answers = try await answers(to: 2) { connection in
            _ = connection.readRequest()
            connection.send(text)
            connection.waitForEnd()
        }
        #expect(answers.delivered == 2)
        #expect(answers.failures.isEmpty)
    }

    @Test func aBodyThatNeverStops() async throws {
        let answers = try await answers(to: 2) { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            let chunk = "10000\r\n\(String(repeating: "a", count: 65536))\r\n"
            while connection.send(chunk) {}
        }
        #expect(answers.delivered == 2)
    }

    @Test func aBrokenBodyBehindARejection() async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n")
            connection.waitForEnd()
        }
        #expect(answers.rejection?.contains("answered 404 Not Found") == true)
    }

    @Test func anEarlyAnswerToALargeRequest() async throws {
        let server = try RawServer { connection in
            connection.send("HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig")
            connection.waitForEnd()
        }
        let batch = try makeBatch(1...1, payloadSize: 8 << 20)
        let settings = settings("http://127.0.0.1:\(server.port)/") { $0.timeout = .seconds(20) }
        let answers = try await withSink(settings) { await $0.answers(to: batch.whole) }
        // Whether the answer overtakes the broken pipe is the kernel's matter; nothing is lost either way.
        #expect(answers.delivered == 0)
        #expect(answers.failures.count == 1)
    }

    @Test func informationalAnswersAreNotTheAnswer() async throws {
        let answers = try await answers { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")
            connection.waitForEnd()
        }
        #expect(answers.delivered == 1)
    }

    @Test func nobodyListens() async throws {
        let server = try RawServer { _ in }
        let port = server.port
        server.stop()
        try await eventually("the port is closed") {
            try await WebhookSinkTests.answers(settings("http://127.0.0.1:\(port)/")).outage?
                .hasSuffix("cannot be reached: Connection refused") == true
        }
    }

    @Test func aNameThatNobodyKnows() async throws {
        let answers = try await WebhookSinkTests.answers(settings("http://nobody.invalid/secret-path"))
        #expect(answers.outage == "http://nobody.invalid cannot be reached: its name cannot be resolved")
    }

    @Test func aKeptConnectionThatWasClosedMeanwhile() async throws {
        // Each connection answers once, promises to stay, and goes.
        let server = try RawServer { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        }
        let batch = try makeBatch(1...1)
        try await withSink(settings("http://127.0.0.1:\(server.port)/")) { sink in
            for _ in 0..<20 {
                try await eventually("it is delivered") { await sink.answers(to: batch.whole).delivered == 1 }
            }
        }
    }
}

/// How many there were.
private final class Connections: Sendable {
    let count = Atomic(0)
}
