import RelayCore
import Testing

/// One event of a competing relay holds nobody up: neither one that is slow, nor one that cannot be read, marked or
/// parked.
@Suite struct CompetingFaultTests {
    private static let retry = RetryPolicy(base: 10, maximum: 1000)

    private static func ready(onReject: LanePolicy.OnReject = .block) -> CompetingMachine {
        var machine = CompetingMachine(
            sink: "a", policy: RelayPolicy(), lane: LanePolicy(onReject: onReject, retry: retry), claimTimeout: 5000)
        _ = machine.handle(.sessionOpened, at: 0)
        _ = machine.handle(.sinkOpened, at: 0)
        return machine
    }

    private func rows(_ ids: Int64...) -> RowBatch {
        RowBatch(token: BatchToken(0), ids: ids, marks: ids.map { RowMark(createdAt: $0 * 1000) }, bytes: 1)
    }

    /// Lets time pass until something is claimed; gives what the claim leaves out, and when it was.
    private func nextClaim(_ machine: inout CompetingMachine, from start: Int64) -> (without: [Int64], at: Int64)? {
        var now = start
        for _ in 0..<100 {
            let effects = machine.handle(.tick, at: now)
            for case .claim(_, _, let without) in effects { return (without, now) }
            guard let wake = machine.nextWake, wake < .max else { return nil }
            now = max(wake, now)
        }
        return nil
    }

    private func outages(_ effects: [CompetingMachine.Effect]) -> [String] {
        effects.compactMap { effect in
            if case .note(.outage(_, let reason, _)) = effect { reason } else { nil }
        }
    }

    // MARK: - Events that take too long

    @Test func anEventThatTakesLongerThanItsClaimIsToldAndLeavesRoomForOthers() throws {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1)), at: 0)
        #expect(machine.handle(.tick, at: 5000) == [.cancelDelivery])
        let ended = machine.handle(.deliveryEnded, at: 5000)
        let told = outages(ended)
        #expect(told.count == 1 && told[0].contains("event 1") && told[0].contains("claim timeout"))
        #expect(ended.contains(.mark([], parked: [])))
        let marked = machine.handle(.marked(), at: 5000)
        #expect(!marked.contains { if case .claim = $0 { true } else { false } })
        let next = try #require(nextClaim(&machine, from: 5000))
        #expect(next.without == [1])
        #expect(next.at <= 5010)
    }

    @Test func anEventWhoseAnswerIsAnOutageLeavesRoomForOthers() throws {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        let answer = machine.handle(.answered(count: 1, .retry(after: nil, reason: "no answer within 4s")), at: 4000)
        #expect(outages(answer) == ["no answer within 4s (event 1; other events continue)"])
        _ = machine.handle(.deliveryEnded, at: 4000)
        _ = machine.handle(.marked(), at: 4000)
        let others = try #require(nextClaim(&machine, from: 4000))
        #expect(others.without == [1])
        _ = machine.handle(.claimed(rows(2)), at: others.at)
        _ = machine.handle(.answered(count: 1, .delivered), at: others.at)
        _ = machine.handle(.deliveryEnded, at: others.at)
        _ = machine.handle(.marked(), at: others.at)
        // The slow one took four seconds, and the others have four as well before it comes again.
        _ = machine.handle(.claimed(rows(3)), at: others.at + 1)
        _ = machine.handle(.answered(count: 1, .delivered), at: others.at + 4100)
        _ = machine.handle(.deliveryEnded, at: others.at + 4100)
        let again = machine.handle(.marked(), at: others.at + 4100)
        #expect(again.contains { if case .claim(_, _, let without) = $0 { without.isEmpty } else { false } })
    }

    @Test func withoutOthersItIsTriedAgainAfterItsPause() throws {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1)), at: 0)
        _ = machine.handle(.answered(count: 1, .retry(after: nil, reason: "no")), at: 4000)
        _ = machine.handle(.deliveryEnded, at: 4000)
        _ = machine.handle(.marked(), at: 4000)
        let others = try #require(nextClaim(&machine, from: 4000))
        #expect(others.without == [1])
        _ = machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: others.at)
        var found = try #require(nextClaim(&machine, from: others.at))
        for _ in 0..<20 where !found.without.isEmpty {
            _ = machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: found.at)
            found = try #require(nextClaim(&machine, from: found.at + 1))
        }
        #expect(found.without.isEmpty && found.at < 4500)
    }

    @Test func oneThatFailsAgainAndAgainIsToldAtMostEveryTenSeconds() {
        var machine = Self.ready()
        var told = 0
        var now: Int64 = 0
        while now < 60_000 {
            _ = machine.handle(.tick, at: now)
            _ = machine.handle(.claimed(rows(1, 2)), at: now)
            told += outages(machine.handle(.answered(count: 1, .retry(after: nil, reason: "no")), at: now)).count
            _ = machine.handle(.deliveryEnded, at: now)
            _ = machine.handle(.marked(), at: now)
            now += 1000
            _ = machine.handle(.tick, at: now)
            _ = machine.handle(.claimed(rows(2)), at: now)
            _ = machine.handle(.answered(count: 1, .delivered), at: now)
            _ = machine.handle(.deliveryEnded, at: now)
            _ = machine.handle(.marked(), at: now)
            now += 1000
        }
        #expect((1...6).contains(told))
    }

    // MARK: - Rows with faults

    @Test func whatCannotBeMarkedIsNotSentAgainAndItsMarkIsTriedByItself() throws {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        _ = machine.handle(.answered(count: 2, .delivered), at: 0)
        _ = machine.handle(.deliveryEnded, at: 0)
        let next = machine.handle(.marked(unmarked: [2]), at: 0)
        #expect(next.contains { if case .claim(_, _, [2]) = $0 { true } else { false } })
        _ = machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: 0)
        var pauses: [Int64] = []
        var last: Int64 = 0
        for _ in 0..<10 {
            var now = last
            var effects: [CompetingMachine.Effect] = []
            while !effects.contains(.remark([UnmarkedRow(id: 2, mark: RowMark(createdAt: 2000))])) {
                now = max(now + 1, machine.nextWake ?? .max)
                effects = machine.handle(.tick, at: now)
                for case .claim(_, _, let without) in effects {
                    #expect(without == [2])
                    _ = machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: now)
                }
            }
            pauses.append(now - last)
            last = now
            _ = machine.handle(.remarked(unmarked: [2]), at: now)
        }
        #expect(pauses[0] <= 1000 && pauses == pauses.sorted())
        #expect(pauses[9] >= 5000 && pauses[9] <= 10_100)
        // Somebody fixed it.
        var now = last
        while !machine.handle(.tick, at: now).contains(.remark([UnmarkedRow(id: 2, mark: RowMark(createdAt: 2000))])) {
            _ = machine.handle(.claimed(RowBatch(token: nil, ids: [])), at: now)
            now = max(now + 1, machine.nextWake ?? .max)
        }
        _ = machine.handle(.remarked(), at: now)
        #expect(try #require(nextClaim(&machine, from: now)).without == [])
    }

    @Test func aMarkThatFailsAsAWholeSendsNothingAgain() throws {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1, 2, 3)), at: 0)
        _ = machine.handle(.answered(count: 2, .delivered), at: 0)
        _ = machine.handle(.deliveryEnded, at: 0)
        #expect(machine.handle(.workFailed(again: false), at: 0).contains(.release(BatchToken(0))))
        #expect(try #require(nextClaim(&machine, from: 1)).without == [1, 2])
    }

    @Test func whatAnotherRelayHasLockedIsAskedForAgain() {
        var machine = Self.ready()
        _ = machine.handle(.claimed(rows(1)), at: 0)
        _ = machine.handle(.answered(count: 1, .delivered), at: 0)
        _ = machine.handle(.sessionLost, at: 0)
        _ = machine.handle(.sessionOpened, at: 1)
        let next = machine.handle(.remarked(locked: [1]), at: 2)
        #expect(next.contains { if case .claim(_, _, [1]) = $0 { true } else { false } })
    }

    @Test func whatCannotBeReadIsLeftOutAtOnceAndTriedAgain() throws {
        var machine = Self.ready()
        let nothing = RowBatch(token: nil, ids: [])
        let next = machine.handle(.claimed(nothing, unreadable: [7]), at: 0)
        #expect(next.contains { if case .claim(_, _, [7]) = $0 { true } else { false } })
        _ = machine.handle(.claimed(rows(8)), at: 0)
        _ = machine.handle(.answered(count: 1, .delivered), at: 0)
        _ = machine.handle(.deliveryEnded, at: 0)
        #expect(machine.handle(.marked(), at: 1).contains { if case .claim(_, _, [7]) = $0 { true } else { false } })
        _ = machine.handle(.claimed(nothing), at: 1)
        #expect(try #require(nextClaim(&machine, from: 1000)).without == [])
        _ = machine.handle(.claimed(nothing, unreadable: [7]), at: 1000)
        _ = machine.handle(.claimed(nothing), at: 1000)
        #expect(try #require(nextClaim(&machine, from: 1500)).without == [7])
    }

    @Test func whatCannotBeParkedIsLeftOut() throws {
        var machine = Self.ready(onReject: .park)
        _ = machine.handle(.claimed(rows(1, 2)), at: 0)
        _ = machine.handle(.answered(count: 1, .rejected(reason: "no")), at: 0)
        _ = machine.handle(.deliveryEnded, at: 0)
        let next = machine.handle(.marked(unparked: [1]), at: 0)
        #expect(next.contains { if case .claim(_, _, [1]) = $0 { true } else { false } })
    }

    @Test func statementsThatFailAreTriedLessAndLessOften() {
        var machine = Self.ready()
        var now: Int64 = 0
        var failures = 0
        while now < 60_000 {
            _ = machine.handle(.tick, at: now)
            _ = machine.handle(.workFailed(again: false), at: now)
            failures += 1
            now = machine.nextWake ?? .max
        }
        #expect((10...25).contains(failures))
    }
}
