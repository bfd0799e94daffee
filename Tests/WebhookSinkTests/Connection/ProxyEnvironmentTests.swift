import Testing

@testable import WebhookSink

@Suite("Proxies from the environment")
struct ProxyEnvironmentTests {
    private func proxy(_ variables: [String: String], _ url: String = "https://hook.example/x") throws -> String? {
        try ProxyEnvironment(variables: variables).proxy(for: Endpoint(url)).map { "\($0.host):\($0.port)" }
    }

    @Test func byScheme() throws {
        let both = ["http_proxy": "http://plain:1", "https_proxy": "http://tunnel:2"]
        #expect(try proxy(both) == "tunnel:2")
        #expect(try proxy(both, "http://hook.example/") == "plain:1")
        #expect(try proxy([:]) == nil)
        #expect(try proxy(["https_proxy": ""]) == nil)
    }

    @Test func lowerCaseBeatsUpperCase() throws {
        #expect(try proxy(["https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:2"]) == "low:1")
        #expect(try proxy(["HTTPS_PROXY": "http://up:2"]) == "up:2")
        #expect(try proxy(["HTTP_PROXY": "http://up:2", "REQUEST_METHOD": "GET"], "http://hook.example") == nil)
    }

    @Test func spellings() throws {
        #expect(try proxy(["https_proxy": "proxy.example:3128"]) == "proxy.example:3128")
        #expect(try proxy(["https_proxy": "http://[::1]:3128/"]) == "::1:3128")
        #expect(try proxy(["https_proxy": "http://proxy.example"]) == "proxy.example:80")
    }

    @Test func userAndPasswordAreDecoded() throws {
        let found = try ProxyEnvironment(variables: ["https_proxy": "http://me:s%40e@proxy:1"])
            .proxy(for: Endpoint("https://hook.example"))
        #expect(found?.user == "me")
        #expect(found?.password == "s@e")
    }

    @Test(arguments: [
        "socks5://proxy:1", "https://proxy:1", "http://", "http://user:topsecret@:80", "ftp://x", "http://[]:3128",
        "[proxy]:3128",
    ])
    func whatIsNoProxyWeKnow(text: String) throws {
        let error = #expect(throws: (any Error).self) { try proxy(["https_proxy": text]) }
        #expect(!String(describing: error).contains("topsecret"))
    }

    @Test(arguments: [
        ("*", true), ("hook.example", true), ("example", true), (".example", true), ("other,hook.example", true),
        ("other hook.example", true), ("HOOK.example", true), ("hook.example:443", true), ("hook.example:80", false),
        ("ook.example", false), ("xexample", false), ("hook.example.org", false), ("", false), (",", false),
    ])
    func exemptions(list: String, isExempt: Bool) throws {
        #expect(try (proxy(["https_proxy": "http://p:1", "no_proxy": list]) == nil) == isExempt)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.64.0.0/10", "10.127.0.1", true),
        ("10.64.0.0/10", "10.128.0.1", false), ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1:80", "127.0.0.1", true),
        ("fd00::/8", "[fd12::1]", true), ("fd00::/8", "[fe80::1]", false), ("::1", "[::1]", true),
        ("[::1]:80", "[::1]", true), ("0.0.0.0/0", "hook.example", false), ("10.0.0.0/33", "10.0.0.1", false),
    ])
    func addresses(list: String, host: String, isExempt: Bool) throws {
        let variables = ["http_proxy": "http://p:1", "NO_PROXY": list]
        #expect(try (proxy(variables, "http://\(host)/") == nil) == isExempt)
    }
}
