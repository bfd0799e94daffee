import Testing

@testable import WebhookSink

@Suite("Header texts")
struct TextTests {
    @Test(arguments: [
        ("plain/text:1~", "plain/text:1~"), ("a b", "a%20b"), ("100%", "100%25"), ("\"q\"", "%22q%22"),
        ("Euro €", "Euro%20%E2%82%AC"), ("\u{1}\n\u{7F}", "%01%0A%7F"), ("😀", "%F0%9F%98%80"), ("", ""),
    ])
    func attributesArePercentEncoded(value: String, encoded: String) {
        #expect(PercentEncoding.encode(Array(value.utf8)) == encoded)
    }

    @Test func namesAndValues() {
        #expect(HeaderText.isName("x-tenant"))
        #expect(["", "a b", "a:b", "ä", "a\n"].allSatisfy { !HeaderText.isName($0) })
        #expect(HeaderText.isValue("a\tb é"))
        #expect(["a\nb", "a\r", "\0", "\u{7F}"].allSatisfy { !HeaderText.isValue($0) })
        #expect(["Host", "webhook-id", "CE-id", "Content-Type"].allSatisfy(HeaderText.isReserved))
        #expect(!HeaderText.isReserved("authorization"))
    }

    // The example of the Standard Webhooks reference libraries.
    @Test(arguments: [
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        " whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
    ])
    func signatureOfTheSpecification(text: String) throws {
        let secret = try #require(SigningSecret(text))
        let signature = Array(#"{"test": 2432232314}"#.utf8).withUnsafeBytes {
            secret.signature(id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1_614_265_330, body: $0)
        }
        #expect(signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test(arguments: ["", "whsec_", "whsec_!!!!", "a b c d", "whsec_whsec_MfKQ", "MfKQ\nMfKQ"])
    func whatIsNoSecret(text: String) {
        #expect(SigningSecret(text) == nil)
    }

    @Test func paddingMayBeMissing() {
        #expect(SigningSecret("whsec_YWJjZA") != nil)
    }
}
