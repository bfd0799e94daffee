import Testing

@testable import Ledger

@Suite struct QuantityTests {
    @Test(arguments: [("5%", 5.0), ("0", 0), ("0.2%", 0.2), ("100%", 100)])
    func percentage(_ text: String, _ percent: Double) {
        #expect(Percentage(argument: text)?.percent == percent)
    }

    @Test(arguments: ["", "%", "101%", "-1%", "nan", "5%%", "five"])
    func noPercentage(_ text: String) {
        #expect(Percentage(argument: text) == nil)
    }

    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("60s", .seconds(60)), ("5m", .seconds(300)), ("1h", .seconds(3600)),
    ])
    func timeSpan(_ text: String, _ duration: Duration) {
        #expect(TimeSpan(argument: text)?.duration == duration)
    }

    @Test(arguments: ["", "5", "s", "0s", "-1s", "infs", "nans", "1y", "99999999999d"])
    func noTimeSpan(_ text: String) {
        #expect(TimeSpan(argument: text) == nil)
    }

    @Test func paceEnds() {
        let pace = LoadPace(rate: 1000, duration: .milliseconds(10))
        var due: [ContinuousClock.Instant] = []
        while let next = pace.next() { due.append(next) }
        #expect(due.count <= 10 && due == due.sorted() && due.allSatisfy { $0 < pace.end })
    }

    /// As many are due as begin and are dropped.
    @Test(arguments: [(1000.0, 10, 10), (1100, 10, 11), (3, 1000, 3), (0.1, 10, 1), (700, 15, 11)])
    func paceDropsWhatHasNotBegun(rate: Double, milliseconds: Int, due: Int) {
        let pace = LoadPace(rate: rate, duration: .milliseconds(milliseconds))
        #expect(pace.dropped == due)
        pace.begin()
        #expect(pace.dropped == due - 1 && pace.length >= .milliseconds(milliseconds))
    }

    @Test func paceEndsEarly() {
        let pace = LoadPace(rate: 0.001, duration: .seconds(3600))
        #expect(pace.next() != nil)
        pace.begin()
        pace.stop()
        let end = pace.end
        #expect(!pace.isInOvertime && end <= .now && pace.next() == nil && pace.dropped == 0)
        pace.stop()
        #expect(pace.end == end && pace.lastAnswer == end + LoadPace.overtime && pace.length < .seconds(3600))
    }

    @Test(arguments: [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("https://ledger.example/", "https://ledger.example"),
        ("http://[::1]:8080/books//", "http://[::1]:8080/books"),
    ])
    func url(_ text: String, _ base: String) {
        #expect(LoadURL(argument: text)?.base == base)
    }

    @Test(arguments: [
        "", "127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://a?b", "http://a#b", "http://hush:hush@a", "a b",
        "http://a:65536", "http://a:0", "http://a:18446744073709551616/b",
    ])
    func noURL(_ text: String) {
        #expect(LoadURL(argument: text) == nil)
    }
}
