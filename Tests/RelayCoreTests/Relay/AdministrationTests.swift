import RelayCore
import Testing

/// Sinks that are removed, added again or moved while the relay has something of theirs under way.
@Suite struct AdministrationTests {
    private let stored = SinkRegistration(name: "a", cursor: 5, isEarned: true)

    /// What the old lane's read brings is not the new lane's: it may begin elsewhere.
    @Test func aSinkThatIsAddedAgainDoesNotTakeTheReadOfItsOldLane() {
        var script = RelayScript(["a", "b"])
        let old = SinkRegistration(name: "b", generation: 1, cursor: 3, isEarned: true)
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored, old], publishedAboveCursors: true)))
        #expect(script.lastRead("b") == 3)
        // Removed, and added from the beginning, before the read has come back.
        work(&script, [stored])
        let new = SinkRegistration(name: "b", generation: 2, cursor: 0)
        work(&script, [stored, new])
        #expect(script.lastRead("b") == 3)
        script.give(.rowsRead(sink: "b", script.batch(4, 5), reachedEnd: true))
        #expect(script.everSent("b").isEmpty)
        work(&script, [stored, new])
        #expect(script.lastRead("b") == 0)
        script.give(.rowsRead(sink: "b", script.batch(1, 2, 3, 4, 5), reachedEnd: true))
        #expect(script.everSent("b") == [1, 2, 3, 4, 5])
    }

    /// A removed sink passes what stood above it though somebody has deleted the rows meanwhile.
    @Test func aRemovedSinkPassesWhatWasDeleted() {
        var script = RelayScript(["a", "b"])
        var gone = SinkRegistration(name: "b", cursor: 3, isEarned: true)
        gone.isRemoving = true
        script.give(.sessionsOpened(OpenedSessions(sinks: [stored, gone], publishedAboveCursors: true)))
        #expect(script.lastRead("b") == 3)
        work(&script, [stored, gone])
        script.give(.rowsRead(sink: "b", RowBatch(token: nil, ids: []), reachedEnd: true))
        work(&script, [stored, gone])
        #expect(script.lastSettle?.last?.sink == "b")
        #expect((script.lastSettle?.last?.passedThrough ?? .min) >= 5)
    }

    /// For a while the work session finds nothing but these sinks.
    private func work(_ script: inout RelayScript, _ sinks: [SinkRegistration]) {
        var open = script.effects
        open += script.give(.sinksChanged)
        for _ in 0..<40 {
            script.now += 10
            open += script.give(.tick)
            while !open.isEmpty {
                switch open.removeFirst() {
                case .claim: script.findsNothing()
                case .settle: script.give(.settled(SettledState(sinks: sinks)))
                case .sweep: script.give(.swept(SweptState(sinks: sinks, owed: [:])))
                case .scan: script.scanned(9)
                default: continue
                }
                open += script.effects
            }
        }
    }
}
