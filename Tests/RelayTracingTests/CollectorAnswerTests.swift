import Testing

@testable import RelayTracing

@Suite("What a collector answers")
struct CollectorAnswerTests {
    private func answer(_ status: Int, retryAfter: String? = nil, _ body: String = "") -> CollectorAnswer {
        CollectorAnswer(status: status, retryAfter: retryAfter, body: Array(body.utf8))
    }

    @Test(arguments: ["", "{}", "no json", #"{"partialSuccess":{}}"#, #"{"partialSuccess":{"rejectedSpans":"-5"}}"#])
    func allIsTaken(_ body: String) {
        #expect(answer(200, body) == .taken(rejected: 0, reason: ""))
        #expect(answer(202, body) == .taken(rejected: 0, reason: ""))
    }

    @Test(arguments: [#""3""#, "3"])
    func someAreRejected(_ number: String) {
        let body = #"{"partialSuccess":{"rejectedSpans":\#(number),"errorMessage":"too\nmany"}}"#
        #expect(answer(200, body) == .taken(rejected: 3, reason: "toomany"))
    }

    @Test(arguments: [429, 502, 503, 504])
    func tryAgain(_ status: Int) {
        let reason = "it answered \(status)"
        #expect(answer(status) == .away(after: nil, reason: reason))
        #expect(answer(status, retryAfter: " 7 ") == .away(after: .seconds(7), reason: reason))
        #expect(answer(status, retryAfter: "86400") == .away(after: .seconds(30), reason: reason))
        #expect(answer(status, retryAfter: "-1") == .away(after: .seconds(0), reason: reason))
        #expect(answer(status, retryAfter: "Sun, 06 Nov 1994 08:49:37 GMT") == .away(after: nil, reason: reason))
    }

    @Test(arguments: [301, 400, 401, 404, 413, 500, 501])
    func never(_ status: Int) { #expect(answer(status) == .refused(reason: "it answered \(status)")) }
}

@Suite("How losses are told")
struct LossReportsTests {
    private let start = ContinuousClock.now

    @Test func atOnceAndThenOnceAMinute() {
        var reports = LossReports(collector: "http://c")
        #expect(reports.add(0, at: start) == nil)
        let first = reports.add(3, reason: "no", isAway: true, at: start)
        #expect(first == .lost(count: 3, collector: "http://c", reason: "no"))
        #expect(reports.add(4, at: start + .seconds(59)) == nil)
        #expect(
            reports.add(5, at: start + .seconds(60)) == .lost(count: 9, collector: "http://c", reason: "no"))
        #expect(reports.add(1, at: start + .seconds(61)) == nil)
        #expect(reports.rest() == .lost(count: 1, collector: "http://c", reason: "no"))
        #expect(reports.rest() == nil)
    }

    @Test func recoveryIsToldOnceAndStartsNoNewMinute() {
        var reports = LossReports(collector: "http://c")
        #expect(reports.recovered() == nil)
        _ = reports.add(1, reason: "away", isAway: true, at: start)
        #expect(reports.recovered() == .recovered(collector: "http://c"))
        #expect(reports.recovered() == nil)
        #expect(reports.add(1, reason: "away", isAway: true, at: start + .seconds(1)) == nil)
        // Nobody was told that it was away again.
        #expect(reports.recovered() == nil)
    }

    @Test func sentences() {
        #expect(
            "\(TracingNote.lost(count: 1, collector: "http://c", reason: "no"))"
                == "1 span was dropped on the way to the collector at http://c: no; deliveries continue")
        #expect("\(TracingNote.lost(count: 2, collector: "http://c", reason: "no"))".hasPrefix("2 spans were dropped"))
        #expect("\(TracingNote.recovered(collector: "http://c"))" == "the collector at http://c takes spans again")
    }
}
