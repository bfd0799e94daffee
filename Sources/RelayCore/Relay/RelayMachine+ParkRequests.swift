/// Events that somebody wants parked, whatever their sinks say: what blocks a lane is parked and kept.
extension RelayMachine {
    /// A sweep has read which; a lane parks them where they come up, or where it stands at them.
    mutating func takeParkRequests(_ wanted: [String: [Int64]]) {
        for (sink, ids) in wanted { tenure?.parkRequests[sink, default: []].formUnion(ids) }
        for index in lanes.indices {
            guard let ids = tenure?.parkRequests[lanes[index].name] else { continue }
            lanes[index].release(ids)
            // What is settled is parked, or was delivered before anybody could set it aside.
            let left = ids.filter { $0 > lanes[index].registration.cursor || lanes[index].owed.contains($0) }
            tenure?.parkRequests[lanes[index].name] = left.isEmpty ? nil : left
        }
    }
}
