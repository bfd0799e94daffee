import RelayCore
import Testing

/// A sink that cannot be opened.
@Suite struct OpeningTests {
    private let a = SinkRegistration(name: "a")

    @Test func nothingIsDeliveredBeforeTheSinkIsOpen() {
        var script = RelayScript()
        script.opensSinks = false
        script.lead([a])
        script.claimed(script.batch(1), lastValue: 1)
        #expect(script.sent("a") == nil)
        script.give(.sinkOpened(sink: "a"))
        #expect(script.sent("a") == [1])
    }

    @Test func aSinkThatDoesNotOpenIsTriedAgainAndNamed() {
        var script = RelayScript()
        script.opensSinks = false
        script.lead([a])
        let error = SinkError(.misconfigured, reason: "another outbox's file")
        script.give(.sinkOpenFailed(sink: "a", error))
        #expect(script.effects.contains(.note(.blocked(sink: "a", reason: "another outbox's file"))))
        #expect(script.machine.status(mode: "poll", orderHold: nil).sinks.first { $0.name == "a" }?.state == "blocked")
        script.now = 60_000
        script.give(.tick)
        #expect(script.effects.contains(.openSink("a")))
        script.give(.sinkOpenFailed(sink: "a", error))
        #expect(!script.effects.contains(.note(.blocked(sink: "a", reason: "another outbox's file"))))
    }
}
