import Testing

@testable import DemoAudit

@Suite struct AuditTests {
    private func audit(_ ids: [Int64], latency: Int64 = 1000) -> Audit {
        ids.reduce(into: Audit()) { $0.read(ReadEvent(id: $1, created: 0, read: latency)) }
    }

    @Test func allIsWell() {
        let verdict = audit([1, 2, 4], latency: 1234).verdict(against: [1, 2, 4])
        #expect(verdict.isGood)
        #expect(verdict.description == "events=3 lost=0 out_of_order=0 duplicates=0 p50_ms=1.23 p99_ms=1.23")
    }

    @Test func namesWhatWentWrong() {
        let verdict = audit([1, 3, 2, 3, 2, 5]).verdict(against: [1, 2, 3, 4, 5, 6])
        #expect(!verdict.isGood)
        #expect(verdict.description.hasPrefix("events=4 lost=2 out_of_order=1 duplicates=2 "))
    }

    @Test func nothingCame() {
        #expect(audit([]).verdict(against: []).isGood)
        #expect(!audit([]).verdict(against: [1]).isGood)
    }

    @Test func quantilesAreOfTheNearestRank() {
        #expect(Audit.quantile(0.5, of: Array(1...100)) == 50)
        #expect(Audit.quantile(0.99, of: Array(1...100)) == 99)
        #expect(Audit.quantile(0.99, of: [7]) == 7)
    }

    @Test func readsAnEvent() {
        let line =
            #"{"specversion":"1.0","id":"42","source":"/outbox","subject":"\",\"time\":\"x","#
            + #""time":"2026-11-20T22:16:30.213327Z","data":{"id":"7"}}"#
        #expect(EventReader.event(line, read: 5) == ReadEvent(id: 42, created: 1_795_212_990_213_327, read: 5))
        #expect(EventReader.event("no event", read: 5) == nil)
    }
}
