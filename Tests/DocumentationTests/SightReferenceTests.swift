import RelayObservability
import RelayTracing
import Testing

/// `docs/reference/log.md` and `docs/reference/metrics.md` against the names that the program logs and exposes.
@Suite struct SightReferenceTests {
    private func rows(_ page: String, _ heading: String) throws -> [[String]] {
        try Markdown(Repository.text(page)).rows(under: heading).filter { $0.first?.codes.isEmpty == false }
    }

    @Test func everyLogEventIsThere() throws {
        let events = try rows("docs/reference/log.md", "# The log").flatMap { $0[0].codes }
        #expect(events.count == Set(events).count)
        #expect(Set(events) == Set(LogEventName.allCases.map(\.rawValue)))
    }

    @Test func everyKeyOfALogLineIsThere() throws {
        let source = try Repository.text("Sources/RelayObservability/LogNames.swift")
        let names = source[(try #require(source.firstRange(of: "enum LogKey"))).upperBound...]
        let keys = Set(names.matches(of: /static let [A-Za-z]+ = "([a-z_]+)"/).map { String($0.1) })
        try #require(keys.contains("reason"))
        let documented = try rows("docs/reference/log.md", "# The log").flatMap { $0[2].codes }
        #expect(Set(documented) == keys.subtracting(["event"]))
    }

    @Test func everyMetricIsThere() throws {
        let rows = try rows("docs/reference/metrics.md", "# Metrics and the paths of `--listen`")
            .filter { $0[0].codes[0].hasPrefix("outbox_relay_") }
        #expect(rows.count == Set(rows.map { $0[0] }).count)
        #expect(Set(rows.map { $0[0].codes[0] }) == Set(MetricName.help.keys).union(TracingMetricName.help.keys))
        for row in rows {
            let name = row[0].codes[0]
            let isHistogram = MetricName.bounds.keys.contains(name)
            #expect(row[1] == (isHistogram ? "histogram" : name.hasSuffix("_total") ? "counter" : "gauge"), "\(name)")
        }
        let labels: Set = [MetricLabel.sink, MetricLabel.outcome, MetricLabel.version]
        #expect(Set(rows.flatMap { $0[2].codes }) == labels)
    }
}
