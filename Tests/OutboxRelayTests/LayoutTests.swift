import Testing

@testable import OutboxRelay

/// Widths on a terminal, tables, and blocks that are drawn again.
@Suite struct LayoutTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("ｱ", 1), ("Ａ", 2), ("한글", 4), ("🙂", 2), ("👩‍🚀", 2),
        ("❤\u{FE0F}", 2), ("🇨🇭", 2), ("…", 1), ("a\u{200B}b", 2),
    ])
    func width(_ text: String, _ columns: Int) {
        #expect(text.columns == columns, "\(text)")
    }

    @Test func fitting() {
        #expect("billing".fitted(to: 7) == "billing")
        #expect("billing".fitted(to: 6) == "billi…")
        #expect("日本語".fitted(to: 6) == "日本語")
        // Half a letter is none.
        #expect("日本語".fitted(to: 4) == "日…")
        #expect("日本語".fitted(to: 1) == "…")
        #expect("日本語".fitted(to: 0) == "")
        #expect("日本".padded(to: 6) == "日本  ")
        #expect("7".padded(to: 3, atEnd: false) == "  7")
    }

    @Test func aStyledLineIsCutAcrossItsPieces() {
        var line = StyledLine("state: ")
        line.append("retrying", .warning)
        line.append(" since long")
        #expect(line.columns == 26)
        #expect(line.fitted(to: 26) == line)
        #expect(line.fitted(to: 12).text(colours: false) == "state: retr…")
        #expect(line.fitted(to: 3).text(colours: false) == "st…")
        #expect(line.fitted(to: 0).text(colours: false).isEmpty)
        #expect(line.fitted(to: 12).text(colours: true) == "state: \u{1B}[33mretr\u{1B}[0m…")
    }

    @Test func columnsStandOneBelowTheOther() {
        var table = TextTable([.init(title: "SINK"), .init(title: "BEHIND", isNumber: true), .init(title: "ERROR")])
        table.append([.init(text: "日本語", style: .bad), .init(text: "7"), .init(text: "-")])
        table.append([.init(text: "hook"), .init(text: "1234567"), .init(text: "refused")])
        #expect(
            table.lines.map { $0.text(colours: false) } == [
                "SINK     BEHIND  ERROR", "日本語        7  -", "hook    1234567  refused",
            ])
        #expect(table.lines[1].text(colours: true) == "\u{1B}[31m日本語\u{1B}[0m        7  -")
    }

    @Test(arguments: [
        (0.0, "0.0s"), (0.44, "0.4s"), (12.9, "12s"), (60.0, "1m"), (185.0, "3m 5s"), (7800.0, "2h 10m"),
        (432_003.0, "5d"), (Double.infinity, "very long"),
    ])
    func durations(_ seconds: Double, _ text: String) {
        #expect(ShownQuantity.duration(seconds: seconds) == text)
    }

    @Test func counts() {
        #expect([0, 999, 1000, 1_234_567].map(ShownQuantity.count) == ["0", "999", "1,000", "1,234,567"])
        #expect(ShownQuantity.count(.min) == "-9,223,372,036,854,775,808")
        #expect([0, 1023, 1024, 1536 << 10].map(ShownQuantity.bytes) == ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"])
    }

    @Test func aBlockIsDrawnOverTheOneBefore() {
        let lines = [StyledLine("one", .good), StyledLine("two")]
        #expect(LiveBlock.frame(lines, over: 0, colours: false) == "one\u{1B}[K\r\ntwo\u{1B}[K\r\n\u{1B}[J")
        #expect(
            LiveBlock.frame(lines, over: 3, colours: true)
                == "\r\u{1B}[3A\u{1B}[32mone\u{1B}[0m\u{1B}[K\r\ntwo\u{1B}[K\r\n\u{1B}[J")
    }

    @Test func aBlockStaysWithinTheTerminal() {
        let lines = (1...10).map { StyledLine("line number \($0)") }
        let all = LiveBlock.fitted(lines, columns: 80, rows: 11)
        #expect(all == lines)
        let some = LiveBlock.fitted(lines, columns: 8, rows: 6).map { $0.text(colours: false) }
        #expect(some == ["line n…", "line n…", "line n…", "line n…", "… 6 mo…"])
    }
}
