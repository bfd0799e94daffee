@testable import RelayCore
import Testing

@Suite("A replay's decisions")
struct ReplayTests {
    private let now: Int64 = 100

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
        var replay = Replay(plan, seed: 2)
        #expect(replay.step(at: now) == .open)
        #expect(replay.opened(nil, at: now) == nil)
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
        #expect(replay.step(at: now) == read(after: 4, through: 20))
        replay.rowsRead([5, 7, 8], reachedEnd: false)
        #expect(replay.step(at: now) == .deliver(0..<2))
        #expect(replay.delivered(all(2), at: now) == [])
        #expect(replay.step(at: now) == .deliver(2..<3))
        #expect(replay.next == 8)
        #expect(replay.delivered(all(1), at: now) == [])
        #expect(replay.step(at: now) == read(after: 8, through: 20))
        replay.rowsRead([12], reachedEnd: true)
        #expect(replay.delivered(all(1), at: now) == [])
        #expect(replay.step(at: now) == .end(.done))
        #expect(replay.next == 13 && replay.deliveredCount == 4)
    }

    @Test func nothingIsThere() {
        #expect(Replay(plan(5, 4), seed: 0).step(at: 0) == .end(.done))
        var replay = opened(plan(5, 20))
        replay.rowsRead([], reachedEnd: true)
        #expect(replay.step(at: now) == .end(.done))
        #expect(replay.next == 5)
    }

    @Test func theLastIdIsIncludedAndNothingReadBehindIt() {
        var replay = opened(plan(.min + 1, .max))
        #expect(replay.step(at: now) == read(after: .min, through: .max))
        replay.rowsRead([.min + 1, 0, .max], reachedEnd: false)
        #expect(replay.delivered(all(3), at: now) == [])
        #expect(replay.step(at: now) == .end(.done))
    }

    /// Pauses are drawn as the policy says, from the replay's own numbers.
    private func pauses(_ count: Int) -> [Int64] {
        var random = SplitMix(state: 2)
        return (1...count).map { plan(1, 1).retry.pause(attempt: $0, after: nil, &random) }
    }

    @Test func anOutageIsTriedAgainWhereItBegan() {
        var replay = opened(plan(1, 3))
        replay.rowsRead([1, 2, 3], reachedEnd: true)
        let down = failing(1, .retry(after: nil, reason: "down"))
        let pauses = pauses(2)
        #expect(pauses[0] > 0 && pauses[1] > pauses[0])
        #expect(replay.delivered(down, at: 50) == [.outage(reason: "down")])
        #expect(replay.step(at: 50) == .wait(until: 50 + pauses[0]))
        #expect(replay.step(at: 50 + pauses[0]) == .deliver(1..<3))
        // Told once, waited for longer, and for as long as the far side asks.
        #expect(replay.delivered(failing(0, .retry(after: nil, reason: "down")), at: 1000) == [])
        #expect(replay.step(at: 1000) == .wait(until: 1000 + pauses[1]))
        #expect(replay.delivered(failing(0, .retry(after: .seconds(2), reason: "down")), at: 2000) == [])
        #expect(replay.step(at: 3999) == .wait(until: 4000))
        #expect(replay.delivered(all(2), at: 4000) == [.recovered])
        #expect(replay.step(at: 4000) == .end(.done))
        #expect(replay.deliveredCount == 3)
    }

    @Test func noAnswerIsAnOutage() {
        var replay = opened(plan(1, 3))
        replay.rowsRead([1], reachedEnd: true)
        #expect(replay.delivered([], at: now).count == 1)
        #expect(replay.step(at: now) == .wait(until: now + pauses(1)[0]))
    }

    @Test func aRejectedEventEndsIt() {
        var replay = opened(plan(1, 9))
        replay.rowsRead([1, 4, 5], reachedEnd: false)
        #expect(replay.delivered(failing(1, .rejected(reason: "no")), at: now) == [])
        #expect(replay.step(at: now) == .end(.rejected(id: 4, reason: "no")))
        #expect(replay.next == 4 && replay.deliveredCount == 1)
    }

    @Test func aRejectedEventIsPassedOverWhereItMayBe() {
        var replay = opened(plan(1, 9, passesRejected: true))
        replay.rowsRead([1, 4, 5], reachedEnd: true)
        #expect(replay.delivered(failing(1, .rejected(reason: "no")), at: now) == [.rejected(id: 4, reason: "no")])
        #expect(replay.step(at: now) == .deliver(2..<3))
        #expect(replay.delivered(all(1), at: now) == [])
        #expect(replay.step(at: now) == .end(.done))
        #expect(replay.deliveredCount == 2 && replay.rejectedCount == 1 && replay.next == 6)
    }

    @Test(arguments: [
        (DeliveryOutcome.blocked(reason: "fix it"), ReplayEnd.blocked(reason: "fix it")),
        (.closed(reason: "gone"), .closed(reason: "gone")),
    ])
    func whatDoesNotPassByItselfEndsIt(_ outcome: DeliveryOutcome, _ end: ReplayEnd) {
        var replay = opened(plan(1, 9))
        replay.rowsRead([1, 4], reachedEnd: true)
        #expect(replay.delivered(failing(1, outcome), at: now) == [])
        #expect(replay.step(at: now) == .end(end))
        #expect(replay.next == 4)
    }

    @Test func opening() {
        var replay = Replay(plan(1, 2), seed: 2)
        let away = SinkError(.unavailable, reason: "away")
        #expect(replay.opened(away, at: now) == .outage(reason: "away"))
        let later = now + pauses(1)[0]
        #expect(replay.step(at: now) == .wait(until: later))
        #expect(replay.step(at: later) == .open)
        #expect(replay.opened(nil, at: now) == .recovered)
        #expect(replay.step(at: now) == read(after: 0, through: 2))
        var wrong = Replay(plan(1, 2), seed: 2)
        #expect(wrong.opened(SinkError(.misconfigured, reason: "wrong"), at: now) == nil)
        #expect(wrong.step(at: now) == .end(.blocked(reason: "wrong")))
    }

    @Test func aStopKeepsWhatIsAnswered() {
        var replay = opened(plan(1, 9))
        replay.rowsRead([1, 2, 3], reachedEnd: false)
        replay.stop()
        #expect(replay.delivered(all(2), at: now) == [])
        #expect(replay.step(at: now) == .end(.stopped))
        #expect(replay.next == 3)
        // What ended nevertheless is done.
        var last = opened(plan(1, 3))
        last.rowsRead([1, 2, 3], reachedEnd: true)
        last.stop()
        #expect(last.delivered(all(3), at: now) == [])
        #expect(last.step(at: now) == .end(.done))
    }
}
