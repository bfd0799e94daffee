import Testing

@testable import RelayChaos

/// The judge of what came to a webhook: whatever is wrong must be told, and nothing else.
struct HookAuditTests {
    private func delivery(
        _ run: Int, _ ids: ClosedRange<Int64>, copy: Bool = false, answered: Bool = true
    ) -> HookDelivery {
        HookDelivery(
            run: run, isCopy: copy, isAnswered: answered, events: ids.map { HookEvent(id: $0, key: "k\($0 % 3)") })
    }

    private func complaints(
        _ deliveries: [HookDelivery], keyed: Bool = false, runs: [Int: RunHistory] = [1: RunHistory(tenures: 1)]
    ) -> [String] {
        HookAudit(deliveries, isKeyed: keyed, inFlight: 5, window: 10, runs: runs).complaints(against: Array(1...30))
    }

    private let twoRuns = [1: RunHistory(tenures: 1), 2: RunHistory(tenures: 1)]

    @Test func allIsWell() {
        #expect(complaints([delivery(1, 1...20), delivery(2, 11...30)], runs: twoRuns).isEmpty)
    }

    @Test func whatIsLostAndWhatWasNeverThere() {
        let found = complaints([delivery(1, 1...9), delivery(1, 11...31)])
        #expect(found == ["1 lost: 10", "1 never committed: 31"])
    }

    @Test func order() {
        let found = complaints([delivery(1, 1...10), delivery(1, 12...30), delivery(1, 11...11)])
        #expect(found == ["1 out of order: 11"])
        // Of another key than all that came before it in the meantime.
        let swapped = [delivery(1, 2...2), delivery(1, 1...1), delivery(1, 3...30)]
        #expect(complaints(swapped, keyed: true).isEmpty)
        #expect(complaints([delivery(1, 1...3), delivery(1, 7...30), delivery(1, 4...6)], keyed: true).count == 1)
    }

    @Test func moreThanTheWindow() {
        let found = complaints([delivery(1, 1...20), delivery(2, 10...30)], runs: twoRuns)
        #expect(found.count == 1)
        #expect(found.first?.contains("process 2 repeated 11 events where 10 are allowed") == true)
        let woken = [1: RunHistory(tenures: 1), 2: RunHistory(tenures: 1, interruptions: 1)]
        #expect(complaints([delivery(1, 1...20), delivery(2, 10...30)], runs: woken).isEmpty)
    }

    @Test func itsOwnOnlyWhereItCouldNotKnow() {
        #expect(complaints([delivery(1, 1...30), delivery(1, 30...30)]).count == 1)
        #expect(complaints([delivery(1, 1...29), delivery(1, 30...30, answered: false), delivery(1, 30...30)]).isEmpty)
        let succeeded = [1: RunHistory(tenures: 2, successions: 1)]
        #expect(complaints([delivery(1, 1...30), delivery(1, 21...30)], runs: succeeded).isEmpty)
        let disturbed = [1: RunHistory(tenures: 1, disturbances: 1)]
        #expect(complaints([delivery(1, 1...30), delivery(1, 26...30)], runs: disturbed).isEmpty)
    }

    @Test func allItsRepetitionsCountTogether() {
        let runs = [1: RunHistory(tenures: 1), 2: RunHistory(tenures: 2, successions: 1)]
        let first = [delivery(1, 1...14), delivery(2, 1...30)]
        #expect(complaints(first + [delivery(2, 25...30)], runs: runs).isEmpty)
        #expect(complaints(first + [delivery(2, 24...30)], runs: runs).count == 1)
    }

    @Test func copiesCountApart() {
        #expect(complaints([delivery(1, 1...30), delivery(1, 1...30, copy: true)]).isEmpty)
        #expect(complaints([delivery(1, 1...29), delivery(1, 30...30, copy: true)]).contains("1 lost: 30"))
    }

    @Test func anArrayOfEvents() {
        let one = #"{"specversion":"1.0","id":"1","subject":"a","data":{"x":"{\"specversion\""}}"#
        let two = #"{"specversion":"1.0","id":"-2","subject":"b","data":[]}"#
        let lines = EventArray.lines(Array("[\(one),\(two)]".utf8))
        #expect(lines.map { String(decoding: $0, as: UTF8.self) } == [one, two])
        #expect(lines.map { EventArray.key(of: $0) } == ["a", "b"])
        #expect(EventArray.lines(Array(one.utf8)).map { String(decoding: $0, as: UTF8.self) } == [one])
    }
}
