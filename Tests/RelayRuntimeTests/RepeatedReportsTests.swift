import Testing

@testable import RelayRuntime

@Suite struct RepeatedReportsTests {
    @Test func oneCauseIsToldOnceInTenSeconds() {
        var reports = RepeatedReports()
        #expect(reports.admit("a", at: 0) == 0)
        #expect(reports.admit("a", at: 1) == nil)
        #expect(reports.admit("a", at: 9999) == nil)
        #expect(reports.admit("b", at: 9999) == 0)
        #expect(reports.admit("a", at: 10_000) == 2)
        #expect(reports.admit("a", at: 20_000) == 0)
    }

    @Test func noMoreCausesAreRememberedThanFit() {
        var reports = RepeatedReports()
        for cause in 0..<1000 { #expect(reports.admit("\(cause)", at: 0) == 0) }
        #expect(reports.admit("999", at: 1) == nil)
    }

    @Test func goneRowsAreToldOfTogether() {
        var gone = GoneRows()
        gone.add([7])
        gone.add([3, 9])
        #expect(gone.due(at: 100) == 100)
        #expect(gone.take(at: 100).map { [$0.first, $0.last, Int64($0.count)] } == [3, 9, 3])
        #expect(gone.take(at: 101) == nil)
        gone.add([11])
        #expect(gone.due(at: 200) == 100 + RepeatedReports.interval)
    }
}
