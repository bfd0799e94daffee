/// Rows that were passed by a file's events and may still come: runs of ids between what the file holds.
///
/// A run costs the same however long it is. Of runs there are at most ``limit``.
struct OpenGaps: Sendable {
    struct Run: Sendable, Hashable {
        var first: Int64
        var last: Int64
        /// The lowest event above it that came in its order.
        var next: AuditRow
    }

    /// Runs that are kept; each takes less than 128 bytes.
    static let limit = 100_000

    /// Ascending and disjoint.
    private(set) var runs: [Run] = []

    /// Adds a row above all that are here.
    ///
    /// - Parameter joins: whether nothing that the file holds lies between it and the last one.
    mutating func append(_ id: Int64, next: AuditRow, joins: Bool) {
        if joins, let last = runs.indices.last, runs[last].next.id == next.id {
            runs[last].last = id
        } else {
            runs.append(Run(first: id, last: id, next: next))
        }
    }

    /// Takes out a row that has come; nil where it is in none of the gaps.
    mutating func take(_ id: Int64) -> AuditRow? {
        guard let index = index(of: id) else { return nil }
        let run = runs[index]
        var left: [Run] = []
        if run.first < id {
            left.append(run)
            left[0].last = id - 1
        }
        if run.last > id {
            left.append(run)
            left[left.count - 1].first = id + 1
        }
        runs.replaceSubrange(index...index, with: left)
        return run.next
    }

    /// Whether a row is in one of the gaps.
    func contains(_ id: Int64) -> Bool { index(of: id) != nil }

    private func index(of id: Int64) -> Int? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].last < id { low = middle + 1 } else { high = middle }
        }
        return low < runs.count && runs[low].first <= id ? low : nil
    }

    /// Gives up the lower half where there are too many, and says which ids the file should have held there.
    mutating func overflow() -> [IDRange] {
        guard runs.count > Self.limit else { return [] }
        let given = runs.prefix(runs.count / 2).map { IDRange($0.first, $0.last) }
        runs.removeFirst(runs.count / 2)
        return given
    }
}
