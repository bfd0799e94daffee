import Synchronization
import Testing

@testable import OutboxRelay

/// What a line of progress says, and when.
@Suite struct ProgressTests {
    private func text(
        _ count: Int64, of total: Int64? = nil, fraction: Double? = nil, perSecond: Double? = nil,
        remaining: Double? = nil, unit: ProgressUnit = "events", columns: Int = 79
    ) -> String {
        ProgressText(
            unit: unit, count: count, total: total, fraction: fraction, perSecond: perSecond, remaining: remaining
        ).text(columns: columns)
    }

    @Test func everythingThatIsKnown() {
        #expect(
            text(12_345, of: 98_765, fraction: 0.125, perSecond: 4321, remaining: 20.2)
                == "12,345 of 98,765 events  12 %  4,321/s  20s left")
        #expect(
            text(12_345, fraction: 0.5, perSecond: 0.25, remaining: 3725) == "12,345 events  50 %  0.3/s  1h 2m left")
        #expect(text(7) == "7 events")
        #expect(
            text(3 << 20, of: 3 << 30, fraction: 0.001, perSecond: 1_500_000, unit: .bytes)
                == "3.0 MiB of 3.0 GiB  0 %  1.4 MiB/s")
    }

    @Test func allIsDoneAtHundredAndNotBefore() {
        #expect(text(999, of: 1000, fraction: 0.9999) == "999 of 1,000 events  99 %")
        #expect(text(1000, of: 1000, fraction: 1, remaining: 0) == "1,000 of 1,000 events  100 %")
        #expect(text(2000, of: 1000, fraction: 2) == "2,000 of 1,000 events  100 %")
    }

    @Test(arguments: [
        (52, "12,345 of 98,765 events  12 %  4,321/s  20s left"), (44, "12,345 of 98,765 events  12 %  20s left"),
        (30, "12 %  20s left"), (12, "12 %"), (3, "12…"), (0, ""),
    ])
    func whatFits(_ columns: Int, _ expected: String) {
        #expect(
            text(12_345, of: 98_765, fraction: 0.125, perSecond: 4321, remaining: 20, columns: columns) == expected)
    }

    @Test func theRateIsThatOfTheLastSeconds() throws {
        var pace = ProgressPace()
        #expect(pace.perSecond == nil && pace.remaining == nil)
        pace.note(10, 0.01, at: .milliseconds(100))
        #expect(pace.perSecond == nil, "too little was seen")
        pace.note(100, 0.1, at: .seconds(1))
        #expect(pace.perSecond == 100)
        #expect(abs(try #require(pace.remaining) - 9) < 0.001)
        // Slower, for a long time: what was before counts no more.
        for second in 2...60 { pace.note(100 + Int64(second), 0.1 + Double(second) / 1000, at: .seconds(second)) }
        #expect(abs(try #require(pace.perSecond) - 1) < 0.001)
        #expect(abs(try #require(pace.remaining) - 840) < 0.1)
        // It stands still: nobody knows for how long.
        for second in 61...100 { pace.note(160, 0.16, at: .seconds(second)) }
        #expect(pace.perSecond == 0 && pace.remaining == nil)
    }

    /// Takes what is written, in order.
    private final class Screen: Sendable {
        private let pieces = Mutex<[String]>([])

        func write(_ piece: String) { pieces.withLock { $0.append(piece) } }
        var written: [String] { pieces.withLock(\.self) }
    }

    private func line(_ screen: Screen, isTerminal: Bool = true, isWanted: Bool = true) -> ProgressLine {
        let output = TerminalOutput(-1, isTerminal: isTerminal, environment: ["TERM": "xterm"])
        return ProgressLine(total: 4, unit: "events", isWanted: isWanted, on: output) { screen.write($0) }
    }

    @Test func oneLineThatGoesAway() throws {
        let screen = Screen()
        let line = line(screen)
        line.advance(to: 1)
        line.say("something happened\n")
        line.finish()
        line.advance(to: 2)
        line.say("done\n")
        line.finish()
        let clear = ProgressLine.clear
        // A rate may follow, on a machine that is slow enough.
        let shown = String(try #require(screen.written.first).dropFirst(clear.count))
        #expect(shown.hasPrefix("1 of 4 events  25 %"))
        #expect(screen.written == [clear + shown, clear + "something happened\n" + shown, clear, "done\n"])
    }

    @Test(arguments: [(false, true), (true, false)])
    func nothingWhereNobodyLooksOrItIsNotWanted(_ isTerminal: Bool, _ isWanted: Bool) {
        let screen = Screen()
        let line = line(screen, isTerminal: isTerminal, isWanted: isWanted)
        line.advance(to: 1)
        line.advance(by: 2)
        line.say("something happened\n")
        line.finish()
        #expect(screen.written == ["something happened\n"])
    }

    @Test(arguments: [
        (["TERM": "xterm"], true, true), (["TERM": "xterm", "NO_COLOR": "1"], true, false),
        (["TERM": "xterm", "NO_COLOR": ""], true, true), (["TERM": "dumb"], false, false),
        ([String: String](), false, false),
    ])
    func whatATerminalCan(_ environment: [String: String], _ redraws: Bool, _ hasColours: Bool) {
        let output = TerminalOutput(-1, isTerminal: true, environment: environment)
        #expect(output.canRedraw == redraws && output.hasColours == hasColours)
        let pipe = TerminalOutput(-1, isTerminal: false, environment: environment)
        #expect(!pipe.canRedraw && !pipe.hasColours)
    }
}
