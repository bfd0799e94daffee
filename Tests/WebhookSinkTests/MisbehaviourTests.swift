import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
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
        #expect(answers.outage?.hasSuffix("closed the connection before it had answered") == true)
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
        #expect(answers.outage != nil)
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
        #expect(answers.outage != nil)
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
        #expect(answers.outage == "http://nobody.invalid cannot be reached: its name is not known")
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
