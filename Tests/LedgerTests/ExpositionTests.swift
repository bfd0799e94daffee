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

    /// A label that becomes known late is on everything, in front of what a series has itself.
    @Test func aCommonLabel() {
        let exposition = Exposition(help: [:])
        exposition.makeCounter(label: "a_total", dimensions: []).increment(by: 1)
        exposition.makeTimer(label: "c_seconds", dimensions: [("sink", "x")]).recordNanoseconds(1)
        #expect(exposition.text().contains("\na_total 1\n"))
        exposition.label("outbox", "public.\"out\"")
        exposition.label("outbox", "public.outbox")
        let lines = exposition.text().split(separator: "\n").map(String.init)
        #expect(lines.contains(#"a_total{outbox="public.outbox"} 1"#))
        #expect(lines.contains(#"c_seconds_bucket{outbox="public.outbox",sink="x",le="0.0005"} 1"#))
        #expect(lines.contains(#"c_seconds_count{outbox="public.outbox",sink="x"} 1"#))
    }

    @Test func whatIsDestroyedIsNotShown() {
        let exposition = Exposition(help: ["b": "What."])
        let gauges = ["x", "y"].map { Gauge(label: "b", dimensions: [("sink", $0)], factory: exposition) }
        for gauge in gauges { gauge.record(1) }
        gauges[0].destroy()
        #expect(exposition.text() == "# HELP b What.\n# TYPE b gauge\nb{sink=\"y\"} 1.0\n")
        gauges[1].destroy()
        #expect(exposition.text().isEmpty)
        // Whoever still has it harms nobody; and it can be made anew.
        gauges[0].record(2)
        Gauge(label: "b", dimensions: [("sink", "x")], factory: exposition).record(3)
        #expect(exposition.text().hasSuffix("b{sink=\"x\"} 3.0\n"))
    }

    @Test func boundsOfAHistogramsOwn() {
        let exposition = Exposition(help: [:], bounds: ["c_seconds": [0.1, 3600]])
        for seconds in [Int64(0), 1, 4000] {
            exposition.makeTimer(label: "c_seconds", dimensions: []).recordNanoseconds(seconds * 1_000_000_000)
        }
        let buckets = exposition.text().split(separator: "\n").filter { $0.contains("bucket") }
        #expect(
            buckets == [
                #"c_seconds_bucket{le="0.1"} 1"#, #"c_seconds_bucket{le="3600.0"} 2"#,
                #"c_seconds_bucket{le="+Inf"} 3"#,
            ])
    }
}
