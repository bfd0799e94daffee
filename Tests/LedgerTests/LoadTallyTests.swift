import Foundation
import Testing

@testable import Ledger

@Suite struct LoadTallyTests {
    @Test func tellsLatenciesByTheirQuantiles() throws {
        let tally = LoadTally()
        for milliseconds in (1...10_000).shuffled() { tally.count(.commit, latency: .milliseconds(milliseconds)) }
        let latency = try #require(tally.summary.latency)
        let expected = [(latency.p50, 5000.0), (latency.p90, 9000), (latency.p99, 9900), (latency.p999, 9990)]
        // To three digits.
        for (found, exact) in expected { #expect(abs(found - exact) <= exact / 1000, "\(found)") }
        #expect(latency.max == 10_000)
    }

    /// What stays open, or comes to nothing, on purpose says nothing about the ledger.
    @Test func latenciesAreOfWhatCommitsAtOnce() throws {
        let tally = LoadTally()
        tally.count(.commitLate(.seconds(1)), latency: .seconds(1))
        tally.count(.rollBack, latency: .seconds(2))
        tally.countFailure("gone")
        #expect(tally.summary.latency == nil && tally.summary.json.contains("\"latency_ms\":null"))
        tally.count(.commit, latency: .microseconds(1500))
        tally.count(.commit, latency: .seconds(100_000))
        tally.count(.commit, latency: .seconds(-1))
        let latency = try #require(tally.summary.latency)
        #expect(abs(latency.p50 - 1.5) < 0.002 && latency.max == 3_600_000)
        #expect(tally.summary.lastFailure == "gone")
    }

    @Test func theResultIsALineOfJSON() throws {
        let tally = LoadTally()
        for _ in 0..<3 { tally.count(.commit, latency: .milliseconds(2)) }
        tally.count(.commitLate(.seconds(1)), latency: .seconds(1))
        tally.count(.rollBack, latency: .zero)
        tally.countFailure("gone")
        tally.countRetry()
        tally.close(after: .seconds(3), dropped: 7)
        let json = tally.summary.json
        let head = #"{"posted":4,"rolled_back":1,"late":1,"errors":1,"#
        #expect(json.hasPrefix(head + #""dropped":7,"retries":1,"rate":1.333,"latency_ms":{"#), "\(json)")
        let decoded = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
        let latency = try #require(decoded?["latency_ms"] as? [String: Double])
        #expect(Set(latency.keys) == ["p50", "p90", "p99", "p999", "max"] && latency["max"] == 2)
    }

    @Test func progressFitsALine() {
        let tally = LoadTally()
        #expect(tally.summary.progress(after: .zero) == "0 s  0 posted  0.0/s  0 errors")
        for _ in 0..<30 { tally.count(.commit, latency: .milliseconds(2)) }
        #expect(
            tally.summary.progress(after: .milliseconds(1999))
                == "1 s  30 posted  15.0/s  p50 2.0 ms, p99 2.0 ms  0 errors")
    }
}
