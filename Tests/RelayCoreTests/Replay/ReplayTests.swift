@testable import RelayCore
import Testing

@Suite("A replay's decisions")
struct ReplayTests {
    private func plan(
        _ from: Int64, _ through: Int64, chunk: Int = 1000, passesRejected: Bool = false
    ) -> ReplayPlan {
        var plan = ReplayPlan(from: from, through: through)
        plan.rows = 3
        plan.bytes = 10
        plan.chunk = chunk
        plan.retry = RetryPolicy(base: 100, maximum: 400)
        plan.passesRejected = passesRejected
        return plan
    }

    private func opened(_ plan: ReplayPlan) -> Replay {
        var replay = Replay(plan)
        #expect(replay.step == .open)
        #expect(replay.opened(nil, draw: 0) == nil)
        return replay
    }

    private func read(after: Int64, through: Int64) -> Replay.Step {
        .read(ReadRequest(sink: "", after: after, through: through, rows: 3, bytes: 10, idsOnly: false))
    }

    private func all(_ count: Int) -> [SinkAnswer] { [SinkAnswer(count: count, outcome: .delivered)] }

    private func failing(_ delivered: Int, _ outcome: DeliveryOutcome) -> [SinkAnswer] {
        (delivered > 0 ? all(delivered) : []) + [SinkAnswer(count: 1, outcome: outcome)]
    }

    @Test func portionByPortion() {
        var replay = opened(plan(5, 20, chunk: 2))
        #expect(replay.step == read(after: 4, through: 20))
        replay.rowsRead([5, 7, 8], reachedEnd: false)
        #expect(replay.step == .deliver(0..<2))
        #expect(replay.delivered(all(2), draw: 0) == [])
        #expect(replay.step == .deliver(2..<3))
        #expect(replay.next == 8)
        #expect(replay.delivered(all(1), draw: 0) == [])
        #expect(replay.step == read(after: 8, through: 20))
        replay.rowsRead([12], reachedEnd: true)
        #expect(replay.delivered(all(1), draw: 0) == [])
        #expect(replay.step == .end(.done))
        #expect(replay.next == 13 && replay.deliveredCount == 4)
    }

    @Test func nothingIsThere() {
        #expect(Replay(plan(5, 4)).step == .end(.done))
        var replay = opened(plan(5, 20))
        replay.rowsRead([], reachedEnd: true)
        #expect(replay.step == .end(.done))
        #expect(replay.next == 5)
    }

    @Test func theLastIdIsIncludedAndNothingReadBehindIt() {
        var replay = opened(plan(.min + 1, .max))
        #expect(replay.step == read(after: .min, through: .max))
        replay.rowsRead([.min + 1, 0, .max], reachedEnd: false)
        #expect(replay.delivered(all(3), draw: 0) == [])
        #expect(replay.step == .end(.done))
    }

    @Test func anOutageIsTriedAgainWhereItBegan() {
        var replay = opened(plan(1, 3))
        replay.rowsRead([1, 2, 3], reachedEnd: true)
        let down = failing(1, .retry(after: nil, reason: "down"))
        #expect(replay.delivered(down, draw: 60) == [.outage(reason: "down")])
        #expect(replay.step == .wait(60))
        replay.waited()
        #expect(replay.step == .deliver(1..<3))
        // Told once, waited for longer, and for as long as the far side asks.
        #expect(replay.delivered(failing(0, .retry(after: nil, reason: "down")), draw: 200) == [])
        #expect(replay.step == .wait(200))
        replay.waited()
        #expect(replay.delivered(failing(0, .retry(after: .seconds(2), reason: "down")), draw: 1) == [])
        #expect(replay.step == .wait(2000))
        replay.waited()
        #expect(replay.delivered(all(2), draw: 0) == [.recovered])
        #expect(replay.step == .end(.done))
        #expect(replay.deliveredCount == 3)
    }

    @Test func noAnswerIsAnOutage() {
        var replay = opened(plan(1, 3))
        replay.rowsRead([1], reachedEnd: true)
        #expect(replay.delivered([], draw: 7).count == 1)
        #expect(replay.step == .wait(7))
    }

    @Test func aRejectedEventEndsIt() {
        var replay = opened(plan(1, 9))
        replay.rowsRead([1, 4, 5], reachedEnd: false)
        #expect(replay.delivered(failing(1, .rejected(reason: "no")), draw: 0) == [])
        #expect(replay.step == .end(.rejected(id: 4, reason: "no")))
        #expect(replay.next == 4 && replay.deliveredCount == 1)
    }

    @Test func aRejectedEventIsPassedOverWhereItMayBe() {
        var replay = opened(plan(1, 9, passesRejected: true))
        replay.rowsRead([1, 4, 5], reachedEnd: true)
        #expect(replay.delivered(failing(1, .rejected(reason: "no")), draw: 0) == [.rejected(id: 4, reason: "no")])
        #expect(replay.step == .deliver(2..<3))
        #expect(replay.delivered(all(1), draw: 0) == [])
        #expect(replay.step == .end(.done))
        #expect(replay.deliveredCount == 2 && replay.rejectedCount == 1 && replay.next == 6)
    }

    @Test(arguments: [
        (DeliveryOutcome.blocked(reason: "fix it"), ReplayEnd.blocked(reason: "fix it")),
        (.closed(reason: "gone"), .closed(reason: "gone")),
    ])
    func whatDoesNotPassByItselfEndsIt(_ outcome: DeliveryOutcome, _ end: ReplayEnd) {
        var replay = opened(plan(1, 9))
        replay.rowsRead([1, 4], reachedEnd: true)
        #expect(replay.delivered(failing(1, outcome), draw: 0) == [])
        #expect(replay.step == .end(end))
        #expect(replay.next == 4)
    }

    @Test func opening() {
        var replay = Replay(plan(1, 2))
        let away = SinkError(.unavailable, reason: "away")
        #expect(replay.opened(away, draw: 30) == .outage(reason: "away"))
        #expect(replay.step == .wait(30))
        replay.waited()
        #expect(replay.step == .open)
        #expect(replay.opened(nil, draw: 0) == .recovered)
        #expect(replay.step == read(after: 0, through: 2))
        var wrong = Replay(plan(1, 2))
        #expect(wrong.opened(SinkError(.misconfigured, reason: "wrong"), draw: 0) == nil)
        #expect(wrong.step == .end(.blocked(reason: "wrong")))
    }

    @Test func aStopKeepsWhatIsAnswered() {
        var replay = opened(plan(1, 9))
        replay.rowsRead([1, 2, 3], reachedEnd: false)
        replay.stop()
        #expect(replay.delivered(all(2), draw: 0) == [])
        #expect(replay.step == .end(.stopped))
        #expect(replay.next == 3)
        // What ended nevertheless is done.
        var last = opened(plan(1, 3))
        last.rowsRead([1, 2, 3], reachedEnd: true)
        last.stop()
        #expect(last.delivered(all(3), draw: 0) == [])
        #expect(last.step == .end(.done))
    }
}
