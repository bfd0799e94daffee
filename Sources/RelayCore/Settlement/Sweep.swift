/// What a sweep reads, in the transaction that writes.
package struct SweepFacts: Hashable, Sendable {
    package var sinks: [SinkRegistration]
    /// The ranges in which something was found.
    package var absent: IDRanges
    package var owed: [OwedEntry]
    /// Rows of the unpublished leaf at or below the lowest cursor, or in a range; ascending, bounded.
    package var found: [Int64]

    package init(sinks: [SinkRegistration], absent: IDRanges, owed: [OwedEntry], found: [Int64]) {
        self.sinks = sinks
        self.absent = absent
        self.owed = owed
        self.found = found
    }
}

/// What a sweep writes: entries of what is owed, and the ranges cut, in one transaction.
package struct SweepWrites: Hashable, Sendable {
    package var owedEntered: [OwedEntry] = []
    /// What is to stand in the place of the ranges that were read; nil where nothing changes.
    package var absent: IDRanges?

    package var isEmpty: Bool { owedEntered.isEmpty && absent == nil }

    /// A row found in a range, or unpublished at or below the lowest cursor, is owed to each sink past it. One that is
    /// owed to anybody already is not entered again.
    package init(_ facts: SweepFacts) {
        let low = facts.sinks.cursorSpan.low
        var ranges = facts.absent
        let owed = Set(facts.owed.map(\.id))
        for id in facts.found where facts.absent.contains(id) || id <= low {
            guard !owed.contains(id) else { continue }
            for sink in facts.sinks where sink.isFixed && !sink.isRemoving && sink.cursor >= id {
                owedEntered.append(OwedEntry(sink: sink.name, id: id))
            }
            ranges.remove(id)
        }
        if ranges != facts.absent { absent = ranges }
    }
}
