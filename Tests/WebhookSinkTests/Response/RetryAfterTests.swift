import Testing

@testable import WebhookSink

@Suite("Retry-After")
struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT
    private static let time: Int64 = 784_111_777

    @Test(arguments: [
        ("0", 0), ("120", 120), (" 7 ", 7), ("3600", 3600), ("3601", 3600), ("99999999999999999999999", 3600),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 60), ("Sunday, 06-Nov-94 08:49:37 GMT", 60), ("Sun Nov  6 08:49:37 1994", 60),
        ("Mon, 07 Nov 1994 08:49:37 GMT", 3600), ("Sat, 05 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:48:38 GMT", 1), ("Fri, 31 Dec 9999 23:59:59 GMT", 3600),
    ])
    func read(text: String, seconds: Int) {
        #expect(RetryAfter.parse(text, now: Self.time - 60) == .seconds(seconds))
    }

    @Test(arguments: [
        "", "-1", "1.5", "soon", "1 2", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 31 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:00:00 GMT", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 99 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT", "+5", "٣",
    ])
    func whatSaysNothing(text: String) {
        #expect(RetryAfter.parse(text, now: Self.time) == nil)
    }

    @Test func twoDigitsOfAYearLieNearby() {
        // 2026-11-20: 70 is 2070, 94 is 1994.
        #expect(RetryAfter.parse("Sunday, 06-Nov-70 08:49:37 GMT", now: 1_795_000_000) == .seconds(3600))
        #expect(RetryAfter.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: 1_795_000_000) == .seconds(0))
    }
}
