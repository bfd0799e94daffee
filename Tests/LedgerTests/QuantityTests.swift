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

    @Test(arguments: AccountChoice.allCases)
    func choosesTwoDifferentAccounts(_ choice: AccountChoice) {
        for count in [2, 3, 1000] {
            for _ in 0..<1000 {
                let (payer, payee) = choice.pair(below: count)
                #expect(payer != payee && (0..<count).contains(payer) && (0..<count).contains(payee))
            }
        }
    }

    @Test func paceEnds() {
        let pace = LoadPace(rate: 1000, duration: .milliseconds(10))
        var due: [ContinuousClock.Instant] = []
        while let next = pace.next() { due.append(next) }
        #expect(due.count <= 10 && due == due.sorted() && due.allSatisfy { $0 < pace.end })
    }
}
