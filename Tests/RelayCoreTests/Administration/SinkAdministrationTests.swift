import RelayCore
import Testing

@Suite("sinks add, move and remove")
struct SinkAdministrationTests {
    private let a = SinkRegistration(name: "a", cursor: 50, isEarned: true)
    private let b = SinkRegistration(name: "b", cursor: 30, isEarned: true)

    private func decide(
        _ request: SinkRequest, _ sinks: [SinkRegistration], goal: Int64 = 0, oldest: Int64? = nil, below: Int64 = 0
    ) throws -> SinkAdministration {
        try SinkAdministration(
            request,
            SinkAdministrationFacts(
                sinks: sinks, goal: goal, highestRow: 60, oldestUnpublished: oldest, rowBelowOldest: below))
    }

    /// What a plan makes of these ranges.
    private func after(_ plan: SinkAdministration, _ standing: IDRange..., owed: [Int64] = []) -> [IDRange] {
        plan.ranges.applied(to: IDRanges(standing), owed: owed).ranges
    }

    @Test(arguments: [(SinkPlace.oldest, SinkRegistration.Start.oldest), (.latest, .latest)])
    func aNewSinkThatTheLeaderFixes(_ place: SinkPlace, _ start: SinkRegistration.Start) throws {
        let plan = try decide(.add(name: "c", from: place), [a, b])
        #expect(plan.written == SinkRegistration(name: "c", start: start))
        // It counts as cursor 0, so the standing ranges stay and all below the old lowest cursor comes to them.
        #expect(after(plan, IDRange(35, 36)) == [IDRange(1, 30), IDRange(35, 36)])
        // What is owed is no range's.
        #expect(after(plan, IDRange(35, 36), owed: [4, 30]) == [IDRange(1, 3), IDRange(5, 29), IDRange(35, 36)])
    }

    @Test func theFirstSinkNeedsNoRanges() throws {
        let plan = try decide(.add(name: "a", from: .oldest), [])
        #expect(plan.ranges.added == nil)
        #expect(after(plan).isEmpty)
    }

    @Test func fromTheBeginning() throws {
        let plan = try decide(.add(name: "c", from: .beginning), [a, b])
        #expect(plan.written?.cursor == 0 && plan.written?.isFixed == true && plan.written?.passThrough == nil)
        #expect(plan.ranges.added == AbsentSpan(low: 0, high: 30))
    }

    @Test(arguments: [
        // goal, oldest unpublished, row below it -> cursor, pass through
        (Int64(20), Int64?.none, Int64(0), Int64(20), Int64?.none),
        (40, nil, 0, 30, 40),
        (40, 25, 24, 24, 40),
        (20, 31, 30, 20, nil),
        (20, 20, 18, 18, 20),
    ])
    func fromAnID(
        _ goal: Int64, _ oldest: Int64?, _ below: Int64, _ cursor: Int64, _ passThrough: Int64?
    ) throws {
        let request = SinkRequest.add(name: "c", from: .id(goal + 1))
        let plan = try decide(request, [a, b], goal: goal, oldest: oldest, below: below)
        #expect(plan.written?.cursor == cursor)
        #expect(plan.written?.passThrough == passThrough)
        #expect(plan.written?.isEarned == false)
        #expect(plan.ranges.added?.low == (cursor < 30 ? cursor : nil))
    }

    @Test func besideASinkThatIsNotFixedANewOneBeginsAtTheBottom() throws {
        let unfixed = SinkRegistration(name: "u", start: .latest)
        let plan = try decide(.add(name: "c", from: .id(41)), [a, unfixed], goal: 40)
        #expect(plan.written?.cursor == 0)
        #expect(plan.written?.passThrough == 40)
        #expect(plan.ranges.added == nil)
    }

    @Test func backIsSetAndNotEarned() throws {
        let plan = try decide(.move(name: "a", to: .id(11)), [a, b], goal: 10)
        #expect(plan.written?.cursor == 10)
        #expect(plan.written?.isEarned == false)
        #expect(after(plan, IDRange(35, 36)) == [IDRange(11, 30), IDRange(35, 36)])
        #expect(after(plan, owed: [12]) == [IDRange(11, 11), IDRange(13, 30)])
    }

    /// Nobody is past what the only sink, or the one that is highest, is to be given again.
    @Test func backToWhereNobodyIsAheadNeedsNoRange() throws {
        let alone = try decide(.move(name: "a", to: .beginning), [a])
        #expect(alone.written?.cursor == 0)
        #expect(alone.ranges.added == nil)
        #expect(after(alone).isEmpty)
        let level = try decide(.move(name: "a", to: .beginning), [a, SinkRegistration(name: "c", cursor: 7)])
        #expect(level.ranges.added == AbsentSpan(low: 0, high: 7))
        #expect(after(level, IDRange(8, 20)) == [IDRange(1, 20)])
    }

    @Test func backAboveTheLowestNeedsNoNewRanges() throws {
        let plan = try decide(.move(name: "a", to: .id(41)), [a, b], goal: 40)
        #expect(plan.written?.cursor == 40)
        #expect(plan.ranges.added == nil)
        #expect(after(plan, IDRange(35, 45)) == [IDRange(35, 45)])
    }

    @Test func forwardPassesAndKeepsTheCursor() throws {
        let plan = try decide(.move(name: "b", to: .latest), [a, b])
        #expect(plan.written?.cursor == 30 && plan.written?.isEarned == true)
        #expect(plan.written?.passThrough == 60)
        #expect(plan.ranges.added == nil)
    }

    @Test func toTheOldestUnpublished() throws {
        #expect(try decide(.move(name: "a", to: .oldest), [a, b], oldest: 31, below: 30).written?.cursor == 30)
        #expect(try decide(.move(name: "a", to: .oldest), [a, b]).written?.passThrough == 60)
    }

    @Test func toWhereItStandsEndsPassing() throws {
        var passing = b
        passing.passThrough = 60
        let plan = try decide(.move(name: "b", to: .id(31)), [a, passing], goal: 30)
        #expect(plan.written?.cursor == 30 && plan.written?.passThrough == nil)
    }

    @Test func aSinkThatIsNotFixedIsMovedAsIfNew() throws {
        let unfixed = SinkRegistration(name: "u", start: .oldest)
        #expect(try decide(.move(name: "u", to: .latest), [a, unfixed]).written?.start == .latest)
        let plan = try decide(.move(name: "u", to: .id(41)), [a, unfixed], goal: 40)
        #expect(plan.written?.isFixed == true && plan.written?.cursor == 40)
    }

    @Test func aRemovedSinkPassesEverythingBesideOthers() throws {
        let plan = try decide(.remove(name: "b"), [a, b])
        #expect(plan.written == SinkRegistration(name: "b", cursor: 30, isRemoving: true))
        #expect(plan.deleted.isEmpty)
        #expect(after(plan, IDRange(35, 36)) == [IDRange(35, 36)])
    }

    @Test func theLastSinkIsGoneWithThoseOnTheirWayOut() throws {
        let leaving = SinkRegistration(name: "x", cursor: 3, isRemoving: true)
        let plan = try decide(.remove(name: "a"), [a, leaving])
        #expect(plan.written == nil)
        #expect(plan.deleted == ["a", "x"])
        #expect(after(plan, IDRange(35, 36)).isEmpty)
    }

    @Test func refusals() {
        let leaving = SinkRegistration(name: "x", isRemoving: true)
        #expect(throws: SinkAdministrationRefusal.alreadyRegistered) {
            try decide(.add(name: "a", from: .oldest), [a])
        }
        #expect(throws: SinkAdministrationRefusal.notRegistered) { try decide(.remove(name: "c"), [a]) }
        #expect(throws: SinkAdministrationRefusal.notRegistered) { try decide(.move(name: "c", to: .latest), [a]) }
        #expect(throws: SinkAdministrationRefusal.stillBeingRemoved) {
            try decide(.add(name: "x", from: .oldest), [a, leaving])
        }
        #expect(throws: SinkAdministrationRefusal.aboveHighest(60)) {
            try decide(.move(name: "a", to: .id(62)), [a], goal: 60)
        }
    }
}
