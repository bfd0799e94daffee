import RelayCore
import Testing

@Suite("sinks add, move and remove")
struct SinkAdministrationTests {
    private let a = SinkRegistration(name: "a", cursor: 50, isEarned: true)
    private let b = SinkRegistration(name: "b", cursor: 30, isEarned: true)

    private func decide(
        _ request: SinkRequest, _ sinks: [SinkRegistration], goal: Int64 = 0, oldest: Int64? = nil, below: Int64 = 0,
        absent: [IDRange] = []
    ) throws -> SinkAdministration {
        try SinkAdministration(
            request,
            SinkAdministrationFacts(
                sinks: sinks, absent: IDRanges(absent), goal: goal, highestRow: 60, oldestUnpublished: oldest,
                rowBelowOldest: below))
    }

    @Test(arguments: [(SinkPlace.oldest, SinkRegistration.Start.oldest), (.latest, .latest)])
    func aNewSinkThatTheLeaderFixes(_ place: SinkPlace, _ start: SinkRegistration.Start) throws {
        let plan = try decide(.add(name: "c", from: place), [a, b], absent: [IDRange(35, 36)])
        #expect(plan.written == SinkRegistration(name: "c", start: start))
        #expect(plan.missingSpan.map { [$0.above, $0.through] } == [0, 30])
        // It counts as cursor 0, so the standing ranges stay and those below the old lowest cursor come to them.
        let ranges = plan.ranges(missing: IDRanges([IDRange(4, 5)]))
        #expect(ranges.ranges == [IDRange(4, 5), IDRange(35, 36)])
    }

    @Test func theFirstSinkNeedsNoRanges() throws {
        let plan = try decide(.add(name: "a", from: .oldest), [])
        #expect(plan.missingSpan == nil)
        #expect(plan.ranges(missing: IDRanges()).isEmpty)
    }

    @Test func fromTheBeginning() throws {
        let plan = try decide(.add(name: "c", from: .beginning), [a, b])
        #expect(plan.written?.cursor == 0 && plan.written?.isFixed == true && plan.written?.passThrough == nil)
        #expect(plan.missingSpan.map { [$0.above, $0.through] } == [0, 30])
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
        #expect(plan.missingSpan?.above == (cursor < 30 ? cursor : nil))
    }

    @Test func besideASinkThatIsNotFixedANewOneBeginsAtTheBottom() throws {
        let unfixed = SinkRegistration(name: "u", start: .latest)
        let plan = try decide(.add(name: "c", from: .id(41)), [a, unfixed], goal: 40)
        #expect(plan.written?.cursor == 0)
        #expect(plan.written?.passThrough == 40)
        #expect(plan.missingSpan == nil)
    }

    @Test func backIsSetAndNotEarned() throws {
        let plan = try decide(.move(name: "a", to: .id(11)), [a, b], goal: 10, absent: [IDRange(35, 36)])
        #expect(plan.written?.cursor == 10)
        #expect(plan.written?.isEarned == false)
        #expect(plan.missingSpan.map { [$0.above, $0.through] } == [10, 30])
        #expect(plan.ranges(missing: IDRanges([IDRange(12, 12)])).ranges == [IDRange(12, 12)])
    }

    @Test func backAboveTheLowestNeedsNoNewRanges() throws {
        let plan = try decide(.move(name: "a", to: .id(41)), [a, b], goal: 40, absent: [IDRange(35, 45)])
        #expect(plan.written?.cursor == 40)
        #expect(plan.missingSpan == nil)
        #expect(plan.ranges(missing: IDRanges()).ranges == [IDRange(35, 40)])
    }

    @Test func forwardPassesAndKeepsTheCursor() throws {
        let plan = try decide(.move(name: "b", to: .latest), [a, b])
        #expect(plan.written?.cursor == 30 && plan.written?.isEarned == true)
        #expect(plan.written?.passThrough == 60)
        #expect(plan.missingSpan == nil)
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
        let plan = try decide(.remove(name: "b"), [a, b], absent: [IDRange(35, 36)])
        #expect(plan.written == SinkRegistration(name: "b", cursor: 30, isRemoving: true))
        #expect(plan.deleted.isEmpty)
        #expect(plan.ranges(missing: IDRanges()).ranges == [IDRange(35, 36)])
    }

    @Test func theLastSinkIsGoneWithThoseOnTheirWayOut() throws {
        let leaving = SinkRegistration(name: "x", cursor: 3, isRemoving: true)
        let plan = try decide(.remove(name: "a"), [a, leaving], absent: [IDRange(35, 36)])
        #expect(plan.written == nil)
        #expect(plan.deleted == ["a", "x"])
        #expect(plan.ranges(missing: IDRanges()).isEmpty)
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
