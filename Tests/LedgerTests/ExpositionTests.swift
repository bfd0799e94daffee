import Metrics
import PrometheusText
import Testing

@Suite struct ExpositionTests {
    @Test func countersGaugesAndTimes() {
        let exposition = Exposition(help: ["a_total": "How often \\ and\nwhy."])
        let counter = exposition.makeCounter(label: "a_total", dimensions: [("sink", "a\"b\\c\nd")])
        counter.increment(by: 2)
        exposition.makeCounter(label: "a_total", dimensions: [("sink", "a\"b\\c\nd")]).increment(by: 1)
        exposition.makeRecorder(label: "b", dimensions: [], aggregate: false).record(Int64(7))
        let timer = exposition.makeTimer(label: "c_seconds", dimensions: [])
        timer.recordNanoseconds(1_000_000)
        timer.recordNanoseconds(3_000_000)
        timer.recordNanoseconds(100_000_000_000)
        let lines = exposition.text().split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(5) == [
                #"# HELP a_total How often \\ and\nwhy."#, "# TYPE a_total counter", #"a_total{sink="a\"b\\c\nd"} 3"#,
                "# TYPE b gauge", "b 7.0",
            ])
        #expect(lines.contains(#"c_seconds_bucket{le="0.001"} 1"#))
        #expect(lines.contains(#"c_seconds_bucket{le="0.005"} 2"#))
        #expect(lines.contains(#"c_seconds_bucket{le="60.0"} 2"#))
        #expect(lines.contains(#"c_seconds_bucket{le="+Inf"} 3"#))
        #expect(lines.contains("c_seconds_count 3"))
        #expect(lines.contains { $0.hasPrefix("c_seconds_sum 100.00") })
    }
}
