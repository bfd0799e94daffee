import Foundation
import RelayObservability
import RelaySight
import Testing

@Suite("History")
struct HistoryTests {
    private static let start: Int64 = 1_795_213_000_000

    private func times(_ history: History, since: String? = nil) throws -> [String] {
        try points(history, since: since).compactMap { $0["at"] as? String }
    }

    private func points(_ history: History, since: String? = nil) throws -> [[String: Any]] {
        let text = history.json(since: since).text
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return try #require(object?["points"] as? [[String: Any]])
    }

    @Test func pointsAsTheyAreShown() {
        var history = History()
        history.add(
            [
                "b": .init(lagEvents: nil, lagSeconds: nil, delivered: 0),
                "a": .init(lagEvents: 3, lagSeconds: 1.5, delivered: 40),
            ], time: 0, at: Self.start)
        #expect(
            history.json().text == #"{"points":[{"at":"2026-11-20T22:16:40.000Z","sinks":{"#
                + #""a":{"lag_events":3,"lag_seconds":1.5,"delivered":40},"#
                + #""b":{"lag_events":null,"lag_seconds":null,"delivered":0}}}]}"#)
    }

    @Test func onlyWhatIsLater() throws {
        var history = History()
        for second in Int64(0)..<4 { history.add([:], time: second * 1000, at: Self.start + second * 1000) }
        #expect(
            try times(history, since: "2026-11-20T22:16:41.000Z")
                == ["2026-11-20T22:16:42.000Z", "2026-11-20T22:16:43.000Z"])
        #expect(try times(history, since: "2026-11-20T22:16:43.000Z").isEmpty)
        #expect(try times(history, since: "").count == 4)
    }

    @Test func noMorePointsThanThat() throws {
        var history = History()
        for second in Int64(0)..<500 { history.add([:], time: second * 1000, at: Self.start + second * 1000) }
        let times = try times(history)
        #expect(times.count == History.mostPoints && times.last == "2026-11-20T22:24:59.000Z")
    }

    @Test func noFurtherBackThanTenMinutes() throws {
        var history = History()
        for minute in Int64(0)..<30 { history.add([:], time: minute * 60_000, at: Self.start + minute * 60_000) }
        #expect(try times(history).count == 11)
        history.add([:], time: 86_400_000, at: Self.start + 86_400_000)
        #expect(try times(history).count == 1)
    }

    @Test func noMoreSinksThanThat() throws {
        var history = History()
        let numbers = History.Numbers(lagEvents: 0, lagSeconds: 0, delivered: 0)
        history.add(
            Dictionary(uniqueKeysWithValues: (0..<1000).map { ("s\($0)", numbers) }), time: 0, at: Self.start)
        #expect((try points(history).first?["sinks"] as? [String: Any])?.count == History.mostSinks)
    }
}
