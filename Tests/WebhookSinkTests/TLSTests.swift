import Foundation
import NIOSSL
import RelayCore
import RelayTestKit
import SinkConformance
import Testing
import WebhookReceiver
import WebhookSink

@Suite("Webhooks over TLS", .timeLimit(.minutes(2)))
struct TLSTests {
    private func settings(
        _ receiver: WebhookReceiver, host: String = "localhost", ca: String?,
        _ change: (inout WebhookSettings) -> Void = { _ in }
    ) -> WebhookSettings {
        WebhookSinkTests.settings("https://\(host):\(receiver.port)/hooks") {
            $0.tls.ca = ca
            change(&$0)
        }
    }

    @Test(arguments: [([], "HTTP/1.1"), (["http/1.1"], "HTTP/1.1"), (["h2", "http/1.1"], "HTTP/2")])
    func aPrivateAuthority(protocols: [String], version: String) async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server(protocols))
        for host in ["localhost", "127.0.0.1"] {
            let answers = try await answers(to: 20, settings(receiver, host: host, ca: certificates.authority))
            #expect(answers.delivered == 20, "\(answers.all)")
        }
        #expect(receiver.requests.map(\.version) == Array(repeating: version, count: 40))
        #expect(receiver.connections == 2)
        await receiver.stop()
    }

    @Test func http2CarriesDeliveriesSideBySideOnOneConnection() async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server(["h2"]))
        let batch = try makeBatch(1...16)
        receiver.hold()
        try await withSink(settings(receiver, ca: certificates.authority) { $0.connections = 16 }) { sink in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<16 {
                    group.addTask {
                        await sink.answers(to: Delivery(slices: [.init(batch: batch, range: index..<index + 1)]))
                            .delivered
                    }
                }
                try await eventually("all sixteen are under way at once") { receiver.mostUnderWay == 16 }
                receiver.release()
                #expect(try await group.reduce(0, +) == 16)
            }
        }
        #expect(receiver.connections == 1)
        await receiver.stop()
    }

    @Test func http2ThatHangsUpIsAnOutage() async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server(["h2"])) { _ in
            .hangUp
        }
        let batch = try makeBatch(1...2)
        try await withSink(settings(receiver, ca: certificates.authority)) { sink in
            #expect(await sink.answers(to: batch.whole).outage != nil)
            receiver.answer { _ in ReceiverAnswer() }
            // What was begun on the old connection before its end was noticed fails with it.
            try await eventually("it recovers") { await sink.answers(to: batch.whole).delivered == 2 }
        }
        await receiver.stop()
    }

    /// Over HTTP/2 receivers are told how much of a head is taken.
    @Test func http2HeadsAreTakenUpToTheirLimit() async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server(["h2"])) { _ in
            ReceiverAnswer(headers: Dictionary(uniqueKeysWithValues: (0..<300).map { ("x-\($0)", "1") }))
        }
        let batch = try makeBatch(1...2)
        try await withSink(settings(receiver, ca: certificates.authority)) { sink in
            #expect(await sink.answers(to: batch.whole).delivered == 2)
            receiver.answer { _ in ReceiverAnswer(headers: ["x-large": String(repeating: "a", count: 100_000)]) }
            #expect(await sink.answers(to: batch.whole).delivered == 2)
            receiver.answer { _ in
                ReceiverAnswer(503, headers: ["x": String(repeating: "a", count: 9000), "retry-after": "7"])
            }
            guard case .retry(let after, _)? = await sink.answers(to: batch.whole).failures.first else {
                Issue.record("503 is no outage")
                return
            }
            #expect(after == .seconds(7))
            receiver.answer { _ in ReceiverAnswer(headers: ["x-large": String(repeating: "a", count: 300_000)]) }
            #expect(await sink.answers(to: batch.whole).outage != nil)
            receiver.answer { _ in ReceiverAnswer() }
            try await eventually("it recovers") { await sink.answers(to: batch.whole).delivered == 2 }
        }
        await receiver.stop()
    }

    @Test func anExpiredCertificateIsAnOutageThatSaysSo() async throws {
        let certificates = try await Certificates()
        let issued = try await certificates.issue("old", from: "20200101000000Z", to: "20200201000000Z")
        let receiver = try await WebhookReceiver(tls: try issued.server())
        let answers = try await answers(settings(receiver, ca: certificates.authority))
        #expect(
            answers.outage == "no TLS connection to https://localhost:\(receiver.port): "
                + "its certificate expired at 2020-02-01T00:00:00Z")
        #expect(receiver.count == 0)
        await receiver.stop()
    }

    @Test func aCertificateOfTheFuture() async throws {
        let certificates = try await Certificates()
        let issued = try await certificates.issue("new", from: "20990101000000Z", to: "20990201000000Z")
        let receiver = try await WebhookReceiver(tls: try issued.server())
        let answers = try await answers(settings(receiver, ca: certificates.authority))
        #expect(answers.outage?.hasSuffix("its certificate is valid only from 2099-01-01T00:00:00Z") == true)
        await receiver.stop()
    }

    @Test func anUnknownAuthority() async throws {
        let certificates = try await Certificates()
        let receiver = try await WebhookReceiver(tls: try await certificates.issue("server").server())
        let strangers = try await Certificates()
        for ca in [nil, strangers.authority] {
            let answers = try await answers(settings(receiver, ca: ca))
            #expect(answers.outage?.contains("is not signed by a trusted authority") == true)
        }
        #expect(receiver.count == 0 && strangers.authority != certificates.authority)
        await receiver.stop()
    }

    @Test func anotherName() async throws {
        let certificates = try await Certificates()
        let issued = try await certificates.issue("other", for: "DNS:other.example")
        let receiver = try await WebhookReceiver(tls: try issued.server())
        let answers = try await answers(settings(receiver, ca: certificates.authority))
        #expect(answers.outage?.hasSuffix("its certificate is for another name") == true)
        #expect(receiver.count == 0)
        await receiver.stop()
    }

    @Test(arguments: [["h2"], ["http/1.1"]])
    func clientCertificates(protocols: [String]) async throws {
        let certificates = try await Certificates()
        let issued = try await certificates.issue("server")
        let receiver = try await WebhookReceiver(
            tls: try issued.server(protocols, clientsOf: certificates.authority))
        let client = try await certificates.issue("client")
        let without = try await answers(settings(receiver, ca: certificates.authority))
        #expect(without.delivered == 0)
        #expect(without.outage != nil)
        let with = try await answers(
            settings(receiver, ca: certificates.authority) {
                ($0.tls.certificate, $0.tls.key) = (client.certificate, client.key)
            })
        #expect(with.delivered == 1, "\(with.all)")
        await receiver.stop()
    }

    @Test func plainHTTPInsteadOfTLS() async throws {
        let receiver = try await WebhookReceiver()
        let answers = try await answers(settings(receiver, ca: nil))
        #expect(
            answers.outage == "no TLS connection to https://localhost:\(receiver.port): "
                + "the handshake failed (wrong version number)")
        await receiver.stop()
    }

    @Test func filesThatMakeNoSense() async throws {
        let certificates = try await Certificates()
        let (one, other) = (try await certificates.issue("one"), try await certificates.issue("other"))
        let url = "https://localhost/"
        let wrong: [(inout WebhookSettings) -> Void] = [
            { $0.tls.ca = "/nowhere.pem" }, { $0.tls.ca = one.key },
            { ($0.tls.certificate, $0.tls.key) = (one.certificate, "/nowhere.pem") },
            { ($0.tls.certificate, $0.tls.key) = (one.certificate, one.certificate) },
            { ($0.tls.certificate, $0.tls.key) = (one.certificate, other.key) },
        ]
        for change in wrong {
            let error = await refusal(WebhookSinkTests.settings(url, change))
            #expect(error?.code == .misconfigured)
            #expect(error?.reason.contains("tls.") == true, "\(error?.reason ?? "opened")")
        }
    }
}
