/// What of a delivery passes a filter, and how answers for that are answers for the whole.
struct FilteredDelivery: Sendable {
    /// The events that pass, in slices of the same batches; `nil` where none does.
    let passing: Delivery?
    /// How many events are filtered out, pass, are filtered out, … in turn, as far as they have no answer.
    private var runs: [Int]
    /// The run that the next answer speaks of.
    private var run = 0

    init(_ delivery: Delivery, _ filter: EventFilter) {
        var slices: [Delivery.Slice] = []
        var runs = [0]
        for slice in delivery.slices {
            var start = slice.range.lowerBound
            while start < slice.range.upperBound {
                let passes = filter.passes(slice.batch, start)
                var end = start + 1
                while end < slice.range.upperBound, filter.passes(slice.batch, end) == passes { end += 1 }
                if passes { slices.append(Delivery.Slice(batch: slice.batch, range: start..<end)) }
                // The runs of two slices may be of one kind.
                if passes == (runs.count % 2 == 0) {
                    runs[runs.count - 1] += end - start
                } else {
                    runs.append(end - start)
                }
                start = end
            }
        }
        self.runs = runs
        passing = slices.isEmpty ? nil : Delivery(slices: slices)
    }

    /// The events that are filtered out before the next that passes: they count as delivered, and are so once.
    mutating func takeFilteredOut() -> Int {
        guard run < runs.count, run % 2 == 0 else { return 0 }
        run += 1
        return runs[run - 1]
    }

    /// How many events an answer for the next `count` that pass speaks of: those between them, and behind them where
    /// they are delivered.
    mutating func answered(_ count: Int, isDelivered: Bool) -> Int {
        var left = count
        var covered = takeFilteredOut()
        while left > 0, run < runs.count {
            let taken = min(left, runs[run])
            runs[run] -= taken
            left -= taken
            covered += taken
            guard runs[run] == 0 else { break }
            run += 1
            if left > 0 || isDelivered { covered += takeFilteredOut() }
        }
        return covered
    }
}
