/// Several scenarios, as many at once as there are processors.
package enum Exploration {
    /// - Parameters:
    ///   - write: takes a line of the report.
    /// - Returns: how many failed: a promise was broken, or a mutant was not found, or the bounds were not exhausted.
    package static func run(
        _ scenarios: [Scenario], atOnce: Int = 2, showsStates: Bool = false, write: @escaping (String) -> Void
    ) async -> Int {
        var failures = 0
        var generated = 0
        var distinct = 0
        await withTaskGroup(of: (Scenario, Explorer.Report, Duration).self) { group in
            var waiting = scenarios[...]
            func startNext() {
                guard var scenario = waiting.popFirst() else { return }
                scenario.showsStates = showsStates
                group.addTask { [scenario] in
                    let clock = ContinuousClock()
                    let start = clock.now
                    let report = Explorer.run(scenario)
                    return (scenario, report, clock.now - start)
                }
            }
            for _ in 0..<max(1, atOnce) { startNext() }
            for await (scenario, report, time) in group {
                startNext()
                generated += report.generated
                distinct += report.distinct
                if !judge(scenario, report, time, write) { failures += 1 }
            }
        }
        write("\(generated) states generated, \(distinct) distinct, in \(scenarios.count) scenarios")
        return failures
    }

    private static func judge(
        _ scenario: Scenario, _ report: Explorer.Report, _ time: Duration, _ write: (String) -> Void
    ) -> Bool {
        let seconds = (Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18) * 10
        write(
            "\(scenario.name): \(report.generated) states generated, \(report.distinct) distinct"
                + ", depth \(report.depth), \(seconds.rounded() / 10) s")
        if scenario.isMutant {
            write(report.finding.map { "  found, as it must be: \($0)" } ?? "  NOT FOUND")
            return report.finding != nil
        }
        if let finding = report.finding {
            write("  VIOLATION \(finding)")
            for (number, line) in report.schedule.enumerated() { write("  \(number + 1). \(line)") }
        } else if !report.isComplete {
            write("  NOT COMPLETE: the limit of \(scenario.limit) states was reached")
        }
        return report.finding == nil && report.isComplete
    }
}
