import RelayCore
import Testing

@Suite struct EndsTests {
    private let a = SinkRegistration(name: "a")

    @Test func stopFinishesWhatIsInFlight() {
        var script = RelayScript()
        script.lead([a])
        script.claimed(script.batch(1), lastValue: 1)
        script.give(.stop)
        #expect(script.end == nil)
        script.delivers("a", 1)
        while script.settle == nil, script.end == nil {
            script.now += 10
            script.give(.tick)
            guard script.now < 1000 else { break }
        }
        script.give(
            .settled(SettledState(sinks: [SinkRegistration(name: "a", cursor: 1, isEarned: true)])))
        #expect(script.end == .stopped)
    }

    @Test func anEmptyTableIsDrained() {
        var script = RelayScript { $0.untilDrained = true }
        script.give(.sessionsOpened(OpenedSessions(sinks: [a])))
        var answers: [RelayInput] = [
            .scanned(SequenceScan(lastValue: 0, holders: [])), .swept(SweptState(sinks: [a], owed: [])),
        ]
        var end: RelayEnd?
        for _ in 0..<100 where end == nil {
            if answers.isEmpty {
                script.now += 50
                script.give(.tick)
            } else {
                script.give(answers.removeFirst())
            }
            end = script.end
            for effect in script.effects {
                switch effect {
                case .claim:
                    answers.append(
                        .claimed(
                            ClaimedRows(
                                rows: RowBatch(token: nil, ids: []), lastValue: nil, reachedEnd: true, isOpen: false)))
                case .sweep: answers.append(.swept(SweptState(sinks: [a], owed: [])))
                case .scan: answers.append(.scanned(SequenceScan(lastValue: 0, holders: [])))
                default: break
                }
            }
        }
        #expect(end == .drained)
    }

    @Test func lostSessionsDropWhatWasNotHandedOver() {
        var script = RelayScript(["a"]) { $0.window = 1 }
        script.lead([a])
        script.claimed(script.batch(1, 2), lastValue: 2)
        #expect(script.sent("a") == [1])
        script.give(.sessionsLost)
        // What the sink holds may have left: the server that is there next must know it.
        #expect(script.machine.unsettled.map(\.id) == [1])
        script.delivers("a", 1)
        #expect(script.sent("a") == nil)
        // What this process delivered it remembers.
        script.give(.sessionsOpened(OpenedSessions(sinks: [a], keepsLanes: true)))
        script.now += 20
        script.give(.tick)
        let settled = script.settle?.first?.done ?? script.machine.unsettled.map(\.id)
        #expect(settled == [1])
    }
}
