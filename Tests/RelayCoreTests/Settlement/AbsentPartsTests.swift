import RelayCore
import Testing

/// A settlement that reads only the ranges in its span decides, and leaves, what one that reads all of them does.
@Suite struct AbsentPartsTests {
    /// SplitMix64 (Steele, Lea, Flood 2014).
    private struct Draws: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }

    /// Sinks at different places, rows and ranges between them, and lanes that have gone some way.
    private func scene(_ seed: UInt64) -> (SettlementFacts, [LaneProgress]) {
        var draws = Draws(state: seed)
        let rows = (1...60).filter { _ in Bool.random(using: &draws) }.map(Int64.init)
        var sinks: [SinkRegistration] = []
        var lanes: [LaneProgress] = []
        for name in ["a", "b", "c"].prefix(Int.random(in: 1...3, using: &draws)) {
            let cursor = rows.filter { $0 <= Int64.random(in: 0...60, using: &draws) }.randomElement(using: &draws) ?? 0
            let isRemoving = !sinks.isEmpty && Int.random(in: 0..<5, using: &draws) == 0
            sinks.append(SinkRegistration(name: name, cursor: cursor, isEarned: cursor > 0, isRemoving: isRemoving))
            let done = rows.filter { $0 > cursor }.prefix(Int.random(in: 0...12, using: &draws))
            let generation: Int64 = Int.random(in: 0..<8, using: &draws) == 0 ? 2 : 1
            lanes.append(LaneProgress(sink: name, generation: generation, done: Array(done)))
        }
        let span = sinks.cursorSpan
        var absent = IDRanges()
        for _ in 0..<8 {
            let first = Int64.random(in: 1...60, using: &draws)
            absent.insert(IDRange(first, first + Int64.random(in: 0...4, using: &draws)))
        }
        var owed: [OwedEntry] = []
        for id in rows where Int.random(in: 0..<10, using: &draws) == 0 {
            for sink in sinks where sink.cursor >= id { owed.append(OwedEntry(sink: sink.name, id: id)) }
            absent.remove(id)
            for index in lanes.indices where owed.contains(OwedEntry(sink: lanes[index].sink, id: id)) {
                lanes[index].owedDone.append(id)
            }
        }
        var places: [Int64: RowPlace] = [:]
        for id in rows { places[id] = Int.random(in: 0..<9, using: &draws) == 0 ? .locked : .unpublished }
        let facts = SettlementFacts(
            sinks: sinks, absent: absent.clamped(above: span.low, through: span.high), owed: owed, places: places)
        return (facts, lanes)
    }

    @Test func aPartIsEnough() {
        var (changed, kept) = (0, 0)
        for seed in 0..<4000 {
            let (facts, lanes) = scene(UInt64(seed))
            var part = facts
            part.absent = facts.absent.touching(Settlement.span(of: lanes, facts.sinks))
            kept += part.absent.ranges.count < facts.absent.ranges.count ? 1 : 0
            var (whole, partial) = (
                Settlement(facts: facts, lanes: lanes).decide(), Settlement(facts: part, lanes: lanes).decide()
            )
            let expected = whole.absent ?? facts.absent
            var found = partial.absent.map { facts.absent.subtracting(part.absent).union($0) } ?? facts.absent
            if let span = partial.absentSpan { found = found.clamped(above: span.low, through: span.high) }
            #expect(found == expected, "seed \(seed)")
            if found != expected { return }
            changed += expected == facts.absent ? 0 : 1
            (whole.absent, partial.absent) = (nil, nil)
            #expect(whole == partial, "seed \(seed)")
        }
        #expect(changed > 1000 && kept > 400, "\(changed) changed, \(kept) read in part")
    }

    @Test func onlyWhatDiffersIsWritten() {
        let stored = [IDRange(2, 4), IDRange(8, 8), IDRange(10, 20), IDRange(30, 31)]
        var ranges = IDRanges(stored)
        ranges.remove(15)
        ranges.insert(IDRange(40, 50))
        let (removed, inserted) = ranges.changes(from: stored)
        #expect(removed == [IDRange(10, 20)])
        #expect(inserted == [IDRange(10, 14), IDRange(16, 20), IDRange(40, 50)])
        let none = IDRanges(stored).changes(from: stored)
        #expect(none.removed.isEmpty && none.inserted.isEmpty)
    }

    @Test func neighboursBelongToAPart() {
        let ranges = IDRanges([IDRange(1, 4), IDRange(6, 7), IDRange(9, 9), IDRange(20, .max)])
        #expect(ranges.touching(IDRanges([IDRange(5, 5)])).ranges == [IDRange(1, 4), IDRange(6, 7)])
        #expect(ranges.touching(IDRanges([IDRange(11, 18)])).isEmpty)
        let ends = ranges.touching(IDRanges([IDRange(.min, 0), IDRange(30, 30)]))
        #expect(ends.ranges == [IDRange(1, 4), IDRange(20, .max)])
    }
}
