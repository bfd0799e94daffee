import RelayCore

/// What a settlement writes, once it is committed.
extension ServerTables {
    mutating func apply(_ writes: SettlementWrites, to facts: SettlementFacts) {
        for id in writes.published { if let row = unpublished.remove(id) { published.insert(row) } }
        for cursor in writes.cursors { apply(cursor) }
        owed.removeAll { entry in writes.owedRemoved.contains { $0.sink == entry.sink && $0.id == entry.id } }
        enter(writes.owedEntered)
        for entry in writes.owedKept {
            for index in owed.indices where owed[index].sink == entry.sink && owed[index].id == entry.id {
                owed[index].isDelivered = true
            }
        }
        if let ranges = writes.absent { absent = absent.subtracting(facts.absent).union(ranges) }
        if let span = writes.absentSpan { absent = absent.clamped(above: span.low, through: span.high) }
        park(writes)
        sinks.removeAll { writes.ended.contains($0.name) && $0.isRemoving }
        owed.removeAll { writes.ended.contains($0.sink) }
    }

    private mutating func apply(_ cursor: SettlementWrites.Cursor) {
        for index in sinks.indices
        where sinks[index].name == cursor.sink && sinks[index].generation == cursor.generation
            && sinks[index].cursor <= cursor.cursor
        {
            sinks[index].cursor = cursor.cursor
            sinks[index].isEarned = cursor.isEarned
            if cursor.endsPassing { sinks[index].passThrough = nil }
        }
    }

    // MARK: - Parking

    private mutating func park(_ writes: SettlementWrites) {
        for (sink, parkings) in writes.parked.sorted(by: { $0.key < $1.key }) {
            // Those behind others look at what is before them.
            for parking in parkings.filter({ $0.behind == nil }) + parkings.filter({ $0.behind != nil }) {
                park(parking, for: sink)
            }
        }
        for (sink, outcomes) in writes.parkedOutcomes.sorted(by: { $0.key < $1.key }) {
            for outcome in outcomes { settle(outcome, of: sink) }
        }
    }

    private mutating func park(_ parking: Parking, for sink: String) {
        guard let row = row(parking.id), !parked.contains(where: { $0.sink == sink && $0.row.id == row.id }) else {
            return
        }
        let isRequested = parking.behind != nil && !earlier(than: row, sink).contains { !$0.isRequested }
        parked.append(ParkedRow(sink: sink, row: row, isBehind: parking.behind != nil, isRequested: isRequested))
        parked.sort { ($0.sink, $0.row.id) < ($1.sink, $1.row.id) }
    }

    private mutating func settle(_ outcome: ParkedOutcome, of sink: String) {
        guard outcome.rejection != nil else {
            return parked.removeAll { $0.sink == sink && $0.row.id == outcome.id }
        }
        guard let key = parked.first(where: { $0.sink == sink && $0.row.id == outcome.id })?.row.key else { return }
        for index in parked.indices where parked[index].sink == sink {
            let entry = parked[index]
            let isBehindIt = entry.isBehind && entry.row.id > outcome.id && entry.row.key == key
            if entry.row.id == outcome.id || isBehindIt { parked[index].isRequested = false }
        }
    }

    /// What is parked, for the trace.
    var parkedSummary: String {
        parked.map { entry in
            "\(entry.row.id) for \(entry.sink)\(entry.isBehind ? " behind another" : "")"
                + (entry.isRequested ? ", to be tried" : "")
        }.joined(separator: "; ")
    }

    /// Parked events that may be tried again now, as a sweep finds them.
    var parkedToRetry: [String: [Int64]] {
        var found: [String: [Int64]] = [:]
        for entry in parked where entry.isRequested {
            if entry.isBehind, earlier(than: entry.row, entry.sink).contains(where: { !$0.isRequested }) { continue }
            found[entry.sink, default: []].append(entry.row.id)
        }
        return found
    }

    /// Per sink that parks by key, the keys that are parked and the lowest event of each.
    func parkedKeys(of names: [String]) -> [String: [EventKey: Int64]] {
        var keys: [String: [EventKey: Int64]] = [:]
        for entry in parked where names.contains(entry.sink) {
            let key = EventKey(EventEncoding.key(entry.row.key))
            keys[entry.sink, default: [:]][key] = min(keys[entry.sink]?[key] ?? .max, entry.row.id)
        }
        return keys
    }

    private func earlier(than row: Row, _ sink: String) -> [ParkedRow] {
        parked.filter { $0.sink == sink && $0.row.id < row.id && $0.row.key == row.key }
    }
}
