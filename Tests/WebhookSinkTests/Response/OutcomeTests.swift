import RelayCore
import Testing

@testable import WebhookSink

@Suite("What an answer means")
struct OutcomeTests {
    private func outcome(_ status: Int, location: String? = nil, body: String = "") -> DeliveryOutcome {
        Answer(status: status, phrase: "Phrase", retryAfter: "7", location: location, excerpt: body)
            .outcome(receiver: "https://hook.example", now: { 0 })
    }

    @Test(arguments: [200, 201, 202, 204, 299])
    func delivered(status: Int) {
        #expect(outcome(status) == .delivered)
    }

    @Test(arguments: [408, 425, 429, 500, 502, 503, 504, 599])
    func outages(status: Int) {
        #expect(
            outcome(status, body: "busy")
                == .retry(after: .seconds(7), reason: "https://hook.example answered \(status) Phrase: \"busy\""))
    }

    @Test(arguments: [300, 304, 400, 401, 403, 404, 409, 410, 413, 418, 422, 451, 499, 600, 999])
    func refusals(status: Int) {
        #expect(outcome(status) == .rejected(reason: "https://hook.example answered \(status) Phrase"))
    }

    @Test(arguments: [
        ("https://user:pass@other.example/secret?token=1", "to other.example"), ("/elsewhere", "to another path"),
        ("http://[", "to another path"),
        ("https://\(String(repeating: "a", count: 200)).example/", "to \(String(repeating: "a", count: 100))"),
    ])
    func redirectsNameTheHostAndNothingElse(location: String, target: String) {
        #expect(
            outcome(301, location: location)
                == .rejected(
                    reason: "https://hook.example answered 301 and redirects \(target), which is not followed; "
                        + "set the sink's URL to one that answers without a redirect"))
    }
}
