/// A decision needs, and writes, only a part of the stored ranges: an unconfigured sink may leave any number of them.
extension Settlement {
    /// The ids about which a settlement of `lanes` decides: stored ranges that do not meet them stay as they are.
    package static func span(of lanes: [LaneProgress], _ sinks: [SinkRegistration]) -> IDRanges {
        var result = IDRanges()
        for lane in lanes {
            guard let sink = sinks.first(where: { $0.name == lane.sink && $0.generation == lane.generation }) else {
                continue
            }
            if let first = lane.done.first, let last = lane.done.last {
                result.insert(IDRange(min(first, sink.cursor + 1), last))
            }
            for id in lane.owedDone { result.insert(id) }
        }
        return result
    }
}

extension IDRanges {
    /// The runs that meet one of `span`, or adjoin it, whole.
    package func touching(_ span: IDRanges) -> IDRanges {
        IDRanges(ranges.filter { range in span.ranges.contains { range.touches($0) } })
    }

    /// What turns `stored`, a part of the stored rows as they are, into this.
    package func changes(from stored: [IDRange]) -> (removed: [IDRange], inserted: [IDRange]) {
        let (before, after) = (Set(stored), Set(ranges))
        return (stored.filter { !after.contains($0) }, ranges.filter { !before.contains($0) })
    }
}

extension IDRange {
    fileprivate func touches(_ other: IDRange) -> Bool {
        (other.last == .max || first <= other.last + 1) && (other.first == .min || last >= other.first - 1)
    }
}
