import RelayCore

/// Rows as a statement gives them out, within its bounds.
struct Fetching {
    var taken: [Row]
    var reachedEnd: Bool

    var fetched: FetchedRows {
        get throws {
            let batch = try EventEncoding.batch(taken)
            return FetchedRows(batch: batch, ids: batch.ids, reachedEnd: reachedEnd)
        }
    }
}

extension SimulatedServer {
    /// The first of `candidates`, until there are `rows` of them or they have `bytes`; one in any case.
    func fitting(_ candidates: [Row], rows: Int, bytes: Int) -> Fetching {
        var taken: [Row] = []
        var size = 0
        for row in candidates {
            guard taken.count < rows, taken.isEmpty || size < bytes else { break }
            taken.append(row)
            size += row.size + 400
        }
        return Fetching(taken: taken, reachedEnd: taken.count == candidates.count && taken.count < rows)
    }

    func recheckGaps(_ gaps: IDRanges) -> RowsInGaps {
        if plan.mutant == .recheckSkipped { return RowsInGaps() }
        return RowsInGaps(unpublished: tables.unpublished.ids(in: gaps), published: tables.published.ids(in: gaps))
    }
}
