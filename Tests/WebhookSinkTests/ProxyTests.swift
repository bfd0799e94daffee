import Foundation
import RelayCore
import RelayTestKit
import SinkConformance
import Synchronization
import Testing
import WebhookReceiver
import WebhookSink

@Suite("Webhooks behind a proxy", .timeLimit(.minutes(2)))
struct ProxyTests {
    @Test func aForwardingProxyGetsTheWholeAddress() async throws {
        let proxy = try await WebhookReceiver()
        let settings = settings("http://hook.invalid:8080/a?b=c") {
            $0.environment = ["http_proxy": "http://me:topsecret@127.0.0.1:\(proxy.port)"]
        }
        #expect(try await answers(to: 3, settings).delivered == 3)
        let request = try #require(proxy.requests.first)
        #expect(proxy.requests.allSatisfy { $0.target == "http://hook.invalid:8080/a?b=c" })
        #expect(request["host"] == "hook.invalid:8080")
        #expect(request["proxy-authorization"] == "Basic \(Data("me:topsecret".utf8).base64EncodedString())")
        #expect(proxy.connections == 1)
        await proxy.stop()
    }

    @Test func aTunnelForTLS() async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server(["h2"]))
        let heads = Mutex<[String]>([])
        let proxy = try TunnelProxy(to: receiver.port) { head in heads.withLock { $0.append(head) } }
        let settings = settings("https://localhost:9999/hooks") {
            $0.environment = ["HTTPS_PROXY": "http://me:topsecret@127.0.0.1:\(proxy.port)/"]
            $0.tls.ca = certificates.authority
        }
        let answers = try await answers(to: 5, settings)
        #expect(answers.delivered == 5, "\(answers.all)")
        let seen = heads.withLock { $0 }
        #expect(seen.count == 1)
        #expect(seen.first?.hasPrefix("CONNECT localhost:9999 HTTP/1.1\r\n") == true)
        #expect(seen.first?.contains("Basic \(Data("me:topsecret".utf8).base64EncodedString())") == true)
        proxy.stop()
        await receiver.stop()
    }

    @Test(arguments: [("407 Proxy Authentication Required", "requires a user"), ("403 Forbidden", "did not connect")])
    func aProxyThatRefuses(status: String, reason: String) async throws {
        let proxy = try RawServer { connection in
            _ = connection.readRequest()
            connection.send("HTTP/1.1 \(status)\r\ncontent-length: 0\r\n\r\n")
            connection.waitForEnd()
        }
        let settings = settings("https://hook.invalid/") {
            $0.environment = ["https_proxy": "http://me:topsecret@127.0.0.1:\(proxy.port)"]
        }
        let outage = try await answers(settings).outage
        #expect(outage?.contains(reason) == true, "\(outage ?? "none")")
        #expect(outage?.contains("topsecret") == false)
    }

    @Test func aProxyThatEchoesOurPassword() async throws {
        let proxy = try await WebhookReceiver { request in
            ReceiverAnswer(403, body: "who is \(request["proxy-authorization"] ?? "?")")
        }
        let settings = settings("http://hook.invalid/") {
            $0.environment = ["http_proxy": "http://me:topsecret@127.0.0.1:\(proxy.port)"]
        }
        #expect(try await answers(settings).rejection?.hasSuffix("\"who is …\"") == true)
        await proxy.stop()
    }

    @Test func noProxyMeansDirectly() async throws {
        let receiver = try await WebhookReceiver()
        let settings = receiver.settings {
            $0.environment = ["http_proxy": "http://127.0.0.1:1", "no_proxy": "localhost,127.0.0.0/8"]
        }
        #expect(try await answers(settings).delivered == 1)
        await receiver.stop()
    }
}
