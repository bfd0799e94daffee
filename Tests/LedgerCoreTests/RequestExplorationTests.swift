import LedgerExploration
import Testing

/// The idempotency protocol as the code that ships decides it, in every order of events. `make model` walks more.
@Suite struct RequestExplorationTests {
    @Test func everyRequestIsDoneOnce() {
        let report = RequestExploration.run(tries: 1, crashes: 1, refusals: 1)
        #expect(report.finding == nil, "\(report.way.joined(separator: "\n"))")
        #expect(report.distinct > 1000)
    }

    @Test(arguments: RequestMutant.allCases)
    func aChangedRuleIsFound(_ mutant: RequestMutant) {
        let report = RequestExploration.run(tries: 1, crashes: 1, refusals: 1, mutant: mutant)
        #expect(report.finding != nil)
    }
}
