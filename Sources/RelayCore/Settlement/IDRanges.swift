/// A closed run of event ids, `first...last`.
package struct IDRange: Hashable, Sendable {
    package var first: Int64
    package var last: Int64

    package init(_ first: Int64, _ last: Int64) {
        self.first = first
        self.last = last
    }
}

/// A set of event ids kept as closed runs: ascending, disjoint, and never adjacent.
///
/// Its size is the number of runs, not of ids, so a gap of a million ids costs as much as a gap of one.
package struct IDRanges: Hashable, Sendable {
    /// The runs, ascending; between two of them at least one id is missing.
    package private(set) var ranges: [IDRange] = []

    package init() {}

    /// The set of all ids that lie in one of `ranges`, given in any order.
    package init(_ ranges: [IDRange]) {
        for range in ranges { insert(range) }
    }

    /// The set of these ids, ascending.
    package init(ascending ids: [Int64]) {
        for id in ids {
            if let last = ranges.last?.last, last < Int64.max, id == last + 1 {
                ranges[ranges.count - 1].last = id
            } else {
                insert(id)
            }
        }
    }

    package var isEmpty: Bool { ranges.isEmpty }
    package var first: Int64? { ranges.first?.first }
    package var last: Int64? { ranges.last?.last }

    package func contains(_ id: Int64) -> Bool {
        let index = firstIndex(endingAtOrAbove: id)
        return index < ranges.count && ranges[index].first <= id
    }

    package mutating func insert(_ id: Int64) {
        insert(IDRange(id, id))
    }

    /// Adds a run; an empty one (`last < first`) adds nothing.
    package mutating func insert(_ range: IDRange) {
        guard range.first <= range.last else { return }
        // Appending at the end is what happens nearly always.
        if let end = ranges.last?.last, end < Int64.max, range.first > end + 1 {
            ranges.append(range)
            return
        }
        var merged = range
        let start = firstIndex(endingAtOrAbove: range.first == Int64.min ? range.first : range.first - 1)
        var end = start
        while end < ranges.count, ranges[end].first <= (range.last == Int64.max ? range.last : range.last + 1) {
            merged.first = min(merged.first, ranges[end].first)
            merged.last = max(merged.last, ranges[end].last)
            end += 1
        }
        ranges.replaceSubrange(start..<end, with: CollectionOfOne(merged))
    }

    package mutating func remove(_ id: Int64) {
        remove(IDRange(id, id))
    }

    /// Takes a run out; what is left of a run on either side stays.
    package mutating func remove(_ range: IDRange) {
        guard range.first <= range.last else { return }
        let start = firstIndex(endingAtOrAbove: range.first)
        var end = start
        var left: [IDRange] = []
        while end < ranges.count, ranges[end].first <= range.last {
            if ranges[end].first < range.first { left.append(IDRange(ranges[end].first, range.first - 1)) }
            if ranges[end].last > range.last { left.append(IDRange(range.last + 1, ranges[end].last)) }
            end += 1
        }
        if start < end { ranges.replaceSubrange(start..<end, with: left) }
    }

    /// Forgets all but the highest `count` runs.
    package mutating func keepHighest(_ count: Int) {
        ranges.removeFirst(max(0, ranges.count - count))
    }

    package func union(_ other: IDRanges) -> IDRanges {
        var result = self
        for range in other.ranges { result.insert(range) }
        return result
    }

    package func subtracting(_ other: IDRanges) -> IDRanges {
        var result = self
        for range in other.ranges { result.remove(range) }
        return result
    }

    /// What lies in both.
    package func intersection(_ other: IDRanges) -> IDRanges {
        guard ranges.count <= other.ranges.count else { return other.intersection(self) }
        var result = IDRanges()
        for one in ranges {
            var index = other.firstIndex(endingAtOrAbove: one.first)
            while index < other.ranges.count, other.ranges[index].first <= one.last {
                let two = other.ranges[index]
                result.insert(IDRange(max(one.first, two.first), min(one.last, two.last)))
                index += 1
            }
        }
        return result
    }

    /// Whether all of `range` lies in the set; so does an empty one.
    package func covers(_ range: IDRange) -> Bool {
        guard range.first <= range.last else { return true }
        let index = firstIndex(endingAtOrAbove: range.last)
        return index < ranges.count && ranges[index].first <= range.first
    }

    /// Whether something of the set lies in `above < id <= through`.
    package func meets(above: Int64, through: Int64) -> Bool {
        guard above < through else { return false }
        let index = firstIndex(endingAtOrAbove: above + 1)
        return index < ranges.count && ranges[index].first <= through
    }

    /// What lies in `above < id <= through`; nil: there is nothing that bounds it from below.
    package func clamped(above: Int64?, through: Int64) -> IDRanges {
        var result = self
        if let above {
            guard above < through else { return IDRanges() }
            result.remove(IDRange(Int64.min, above))
        }
        if through < Int64.max { result.remove(IDRange(through + 1, Int64.max)) }
        return result
    }

    /// The ids in `above < id <= through` that are not among `present`.
    ///
    /// - Parameter present: ascending; what lies outside the bounds is passed over.
    package static func absent(above: Int64, through: Int64, present: [Int64]) -> IDRanges {
        var result = IDRanges()
        var next = above
        for id in present where id > next {
            if id > through { break }
            if id > next + 1 { result.ranges.append(IDRange(next + 1, id - 1)) }
            next = id
        }
        if next < through { result.ranges.append(IDRange(next + 1, through)) }
        return result
    }

    func firstIndex(endingAtOrAbove id: Int64) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].last < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
