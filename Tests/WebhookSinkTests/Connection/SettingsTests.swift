import RelayCore
import Testing

@testable import WebhookSink

@Suite("Settings that cannot work")
struct SettingsTests {
    @Test(arguments: [
        "", "hook.example", "ftp://hook.example", "http://", "https:///path", "https://user:topsecret@hook.example/",
        "https://hook.example:0/", "https://hook.example:70000/", "http://a b/",
        "http://[]/", "http://[]:80/a", "http://[hook.example]/", "http://[::1", "http://[1.2.3.4]/",
    ])
    func addresses(url: String) {
        let error = #expect(throws: SinkError.self) { try settings(url).check() }
        #expect(error?.code == .misconfigured)
        #expect(error?.reason.contains("topsecret") == false)
    }

    @Test(arguments: [
        ("https://hook.example", "https://hook.example", "/"),
        ("http://hook.example:80/a?b=c#d", "http://hook.example", "/a?b=c"),
        ("HTTPS://hook.example:8443/%2F", "https://hook.example:8443", "/%2F"),
        ("http://[::1]:8080/", "http://[::1]:8080", "/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example", "/"),
        ("http://b\u{FC}cher.example/", "http://xn--bcher-kva.example", "/"),
    ])
    func takenApart(url: String, shown: String, target: String) throws {
        let endpoint = try Endpoint(url)
        #expect(endpoint.shown == shown)
        #expect(endpoint.target == target)
        #expect(!endpoint.url.contains("#"))
    }

    @Test func whatDoesNotGoTogether() {
        let url = "https://hook.example/"
        let wrong: [(inout WebhookSettings) -> Void] = [
            { $0.batch = 0 }, { $0.connections = 0 }, { ($0.batch, $0.contentMode) = (2, .binary) },
            { $0.tls.certificate = "/c" }, { $0.tls.key = "/k" },
            { $0.headers = [.init(name: "Host", value: "x")] }, { $0.headers = [.init(name: "a b", value: "x")] },
            { $0.headers = [.init(name: "x-a", value: "topsecret\nx: y")] },
            { $0.headerFiles = [.init(name: "webhook-id", path: "/f")] },
        ]
        for change in wrong {
            let error = #expect(throws: SinkError.self) { try settings(url, change).check() }
            #expect(error?.reason.contains("topsecret") == false)
        }
        #expect(throws: Never.self) {
            try settings(url) { $0.headers = [.init(name: "authorization", value: "x")] }.check()
        }
    }
}
