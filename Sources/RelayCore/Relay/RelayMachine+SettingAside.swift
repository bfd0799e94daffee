/// Events that somebody wants parked, whatever their sinks say: what blocks a lane is set aside and kept.
extension RelayMachine {
    /// A sweep has read which; a lane parks them where they come up, or where it stands at them.
    mutating func takeSetAside(_ wanted: [String: [Int64]]) {
        for (sink, ids) in wanted { setAside[sink, default: []].formUnion(ids) }
        for index in lanes.indices {
            guard let ids = setAside[lanes[index].name] else { continue }
            release(index, ids)
            // What is settled is parked, or was delivered before anybody could set it aside.
            let left = ids.filter { $0 > lanes[index].registration.cursor || lanes[index].late[$0] != nil }
            setAside[lanes[index].name] = left.isEmpty ? nil : left
        }
    }

    /// A lane that is blocked at one of them goes on at once.
    private mutating func release(_ index: Int, _ ids: Set<Int64>) {
        if case .blocked(let id, _, _) = lanes[index].health, ids.contains(id) { lanes[index].health = .well }
        if let id = lanes[index].outOfTurn?.rejected, ids.contains(id) { lanes[index].outOfTurn = nil }
    }

    /// The rows that are not sent but parked: those that somebody wants parked, and those whose key is parked already.
    func staysBehind(_ slices: [RowSlice], _ index: Int) -> [Int64: Parking] {
        let wanted = setAside[lanes[index].name] ?? []
        var keys = lanes[index].parkedKeys
        guard !keys.isEmpty || !wanted.isEmpty else { return [:] }
        let parksKeys = lanes[index].policy.onReject == .parkKey
        var result: [Int64: Parking] = [:]
        for slice in slices {
            for (place, id) in slice.ids.enumerated() {
                let key = slice.key(place)
                if wanted.contains(id) {
                    result[id] = Parking(setAside: id)
                    // What comes after it in the same delivery stands behind it.
                    if parksKeys, let key { keys[key] = min(keys[key] ?? id, id) }
                } else if let key, let head = keys[key], head < id {
                    // The parked event itself may come again, after an administrator set the cursor back.
                    result[id] = Parking(id: id, behind: head)
                }
            }
        }
        return result
    }
}
