import Foundation
import NIOSSL
import RelayCore
import RelayTestKit
import Testing
import WebhookReceiver
import WebhookSink

/// `doctor`'s look at a receiver: a connection and a handshake, and never a request.
@Suite("Reaching a receiver", .timeLimit(.minutes(2)))
struct ReachTests {
    private func problem(_ settings: WebhookSettings, within limit: Duration = .seconds(20)) async -> String? {
        do throws(SinkError) {
            try await settings.examine(within: limit)
            return nil
        } catch {
            return error.reason
        }
    }

    @Test(arguments: ["localhost", "127.0.0.1"]) func aReceiverThatListens(_ host: String) async throws {
        let certificates = try await Certificates()
        let plain = try await WebhookReceiver()
        let secure = try await WebhookReceiver(tls: try await certificates.issue("server").server(["h2", "http/1.1"]))
        #expect(await problem(settings("http://\(host):\(plain.port)/")) == nil)
        #expect(
            await problem(settings("https://\(host):\(secure.port)/") { $0.tls.ca = certificates.authority }) == nil)
        for receiver in [plain, secure] {
            #expect(receiver.connections == 1 && receiver.count == 0)
            await receiver.stop()
        }
    }

    @Test func aCertificateThatIsNotTrusted() async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server())
        let found = try #require(await problem(settings("https://localhost:\(receiver.port)/")))
        #expect(
            found.hasPrefix("no TLS connection to https://localhost:\(receiver.port): its certificate "), "\(found)")
        #expect(receiver.count == 0)
        await receiver.stop()
    }

    @Test func aCertificateForAnotherName() async throws {
        let certificates = try await Certificates()
        let issued = try await certificates.issue("other", for: "DNS:other.example")
        let receiver = try await WebhookReceiver(tls: try issued.server())
        let url = "https://localhost:\(receiver.port)/"
        let found = try #require(await problem(settings(url) { $0.tls.ca = certificates.authority }))
        #expect(found.contains("its certificate is for another name"), "\(found)")
        await receiver.stop()
    }

    /// In TLS 1.3 the refusal comes when the client has already seen a handshake that ended well.
    @Test func aReceiverThatWantsACertificate() async throws {
        let certificates = try await Certificates()
        let server = try await certificates.issue("server")
        let receiver = try await WebhookReceiver(tls: try server.server(clientsOf: certificates.authority))
        let url = "https://localhost:\(receiver.port)/"
        let found = try #require(await problem(settings(url) { $0.tls.ca = certificates.authority }))
        #expect(found.hasPrefix("no TLS connection to "), "\(found)")
        let client = try await certificates.issue("client")
        #expect(
            await problem(
                settings(url) {
                    $0.tls = .init(ca: certificates.authority, certificate: client.certificate, key: client.key)
                }) == nil)
        #expect(receiver.count == 0)
        await receiver.stop()
    }

    @Test func aReceiverThatDoesNotAnswerTheHandshake() async throws {
        let server = try RawServer { $0.waitForEnd() }
        let found = try #require(
            await problem(settings("https://127.0.0.1:\(server.port)/"), within: .seconds(1)))
        #expect(found.contains("connecting to https://127.0.0.1:\(server.port) took longer than"), "\(found)")
        server.stop()
    }

    /// It is asked for nothing, so that the receiver behind it is not reached.
    @Test func aProxy() async throws {
        let port = try PrivateCluster.freePort()
        let found = try #require(
            await problem(
                settings("https://receiver.example/") { $0.environment = ["https_proxy": "http://127.0.0.1:\(port)"] }))
        #expect(found.contains("the proxy 127.0.0.1:\(port) cannot be reached: Connection refused"), "\(found)")
        let server = try RawServer { $0.waitForEnd() }
        #expect(
            await problem(
                settings("https://receiver.example/") {
                    $0.environment = ["https_proxy": "http://127.0.0.1:\(server.port)"]
                }) == nil)
        server.stop()
    }
}
