import RelayObservability
import RelaySight
import Testing

@Suite("Readiness by progress")
struct ReadinessTests {
    private typealias Lane = Readiness.Lane

    /// Reads the same lane again and again, every five seconds up to a time.
    private func read(_ lane: Lane, from start: Int64 = 0, upTo end: Int64, _ readiness: inout Readiness) {
        for time in stride(from: start, through: end, by: 5000) { readiness.observe([lane], at: time) }
    }

    @Test func aLaneWithoutWorkIsReadyForEver() {
        var readiness = Readiness()
        read(Lane(name: "hook", lagEvents: 0, deliveredThrough: 7, parked: 0), upTo: 600_000, &readiness)
        #expect(readiness.reason(at: 600_000) == nil)
    }

    @Test func workWithoutProgressIsNotReadyAfterAMinute() {
        var readiness = Readiness()
        let lane = Lane(name: "hook", lagEvents: 3, deliveredThrough: 7, parked: 0, trouble: "503")
        read(lane, upTo: 55_000, &readiness)
        #expect(readiness.reason(at: 59_999) == nil)
        readiness.observe([lane], at: 60_000)
        #expect(
            readiness.reason(at: 61_000) == "sink hook has had work and made no progress for 61 s: 503")
    }

    /// One reading of work says nothing of what was done since.
    @Test func aReadingMustConfirmIt() {
        var readiness = Readiness()
        readiness.observe([Lane(name: "hook", lagEvents: 3)], at: 0)
        #expect(readiness.reason(at: 300_000) == nil)
    }

    @Test(arguments: [
        Lane(name: "hook", lagEvents: 3, deliveredThrough: 8, parked: 0, delivered: 5),
        Lane(name: "hook", lagEvents: 3, deliveredThrough: 7, parked: 1, delivered: 5),
        Lane(name: "hook", lagEvents: 3, deliveredThrough: 7, parked: 0, delivered: 6),
        Lane(name: "hook", lagEvents: 2, deliveredThrough: 7, parked: 0, delivered: 5),
        // An administrator moved it back.
        Lane(name: "hook", lagEvents: 9, deliveredThrough: 1, parked: 0, delivered: 5),
    ])
    func whateverMovesIsProgress(_ moved: Readiness.Lane) {
        var readiness = Readiness()
        read(Lane(name: "hook", lagEvents: 3, deliveredThrough: 7, parked: 0, delivered: 5), upTo: 50_000, &readiness)
        read(moved, from: 55_000, upTo: 110_000, &readiness)
        #expect(readiness.reason(at: 114_000) == nil)
        readiness.observe([moved], at: 115_000)
        #expect(readiness.reason(at: 115_000) == "sink hook has had work and made no progress for 60 s")
    }

    @Test func moreWorkIsNoProgress() {
        var readiness = Readiness()
        for time in stride(from: Int64(0), through: 60_000, by: 5000) {
            readiness.observe([Lane(name: "hook", lagEvents: 3 + time)], at: time)
        }
        #expect(readiness.reason(at: 60_000) != nil)
    }

    /// What was delivered since the last reading counts at once.
    @Test func aLaneThatGoesOnIsReadyAtOnce() {
        var readiness = Readiness()
        read(Lane(name: "hook", lagEvents: 3, delivered: 5), upTo: 60_000, &readiness)
        #expect(readiness.reason(delivered: ["hook": 5], at: 61_000) != nil)
        #expect(readiness.reason(delivered: ["hook": 6], at: 61_000) == nil)
    }

    /// Tables that somebody has locked tell nothing: it stays as it was.
    @Test func whatCannotBeReadChangesNothing() {
        var readiness = Readiness()
        read(Lane(name: "hook", lagEvents: 3, deliveredThrough: 7, parked: 0), upTo: 30_000, &readiness)
        read(Lane(name: "hook", lagEvents: nil), from: 35_000, upTo: 60_000, &readiness)
        #expect(readiness.reason(at: 60_000) != nil)
        var idle = Readiness()
        read(Lane(name: "hook", lagEvents: 0, deliveredThrough: 7, parked: 0), upTo: 30_000, &idle)
        read(Lane(name: "hook", lagEvents: nil), from: 35_000, upTo: 200_000, &idle)
        #expect(idle.reason(at: 200_000) == nil)
    }

    @Test func severalAreNamedAFewOfThem() {
        var readiness = Readiness()
        let lanes = (1...5).map { Lane(name: "s\($0)", lagEvents: 1) } + [Lane(name: "a", lagEvents: 0)]
        for time in [Int64(0), 60_000] { readiness.observe(lanes, at: time) }
        let reason = readiness.reason(at: 60_000)
        #expect(reason?.hasPrefix("sink s1 has had work and made no progress for 60 s; sink s2 ") == true)
        #expect(reason?.hasSuffix("; and 2 more sinks") == true)
    }

    @Test func aLaneThatIsGoneIsForgotten() {
        var readiness = Readiness()
        read(Lane(name: "hook", lagEvents: 3), upTo: 60_000, &readiness)
        readiness.observe([], at: 65_000)
        #expect(readiness.reason(at: 65_000) == nil)
    }
}
