extension Lane {
    /// Rows that are with the sink, in one delivery.
    package struct InFlight: Hashable, Sendable {
        /// Whose turn it is.
        package enum Turn: Hashable, Sendable {
            /// The lane's next rows.
            case ordered
            /// Owed rows.
            case owed
            /// Parked events that somebody wants tried again.
            case parked
        }

        package let slices: [RowSlice]
        package let count: Int
        package var turn: Turn
        /// Rows that stay behind, since their key is parked or somebody wants them parked.
        package var behind: [Int64: Parking] = [:]
        /// How many rows the lane is done with, those that stay behind included.
        package private(set) var answered = 0
        /// Where the first row without an answer stands: its slice, and its place in that.
        private var slice = 0
        private var row = 0
        /// The sink rejected a row, and the lane goes on without it.
        package var hasParked = false
        /// Sent under an older registration: its answers count for nothing.
        package var isStale = false

        package init(slices: [RowSlice], turn: Turn) {
            self.slices = slices.filter { $0.count > 0 }
            self.turn = turn
            count = slices.reduce(0) { $0 + $1.count }
        }

        /// The first row that has no answer: its slice, and its place in that.
        var next: (slice: RowSlice, row: Int)? { slice < slices.count ? (slices[slice], row) : nil }

        /// The lane is done with that row.
        mutating func advance() {
            guard slice < slices.count else { return }
            answered += 1
            row += 1
            guard row == slices[slice].count else { return }
            slice += 1
            row = 0
        }

        /// The slices without the rows that stay behind.
        var sent: [RowSlice] {
            guard !behind.isEmpty else { return slices }
            return slices.flatMap { slice in
                var parts: [RowSlice] = []
                var start = 0
                for index in 0...slice.count where index == slice.count || behind[slice.ids[index]] != nil {
                    if index > start { parts.append(slice.part(start..<index)) }
                    start = index + 1
                }
                return parts
            }
        }

        /// The rows in turn that the sink may have without an answer so far.
        var leftRows: [DeliveredRow] {
            guard !isStale, turn == .ordered else { return [] }
            return unanswered.flatMap { slice in
                slice.ids.indices.filter { behind[slice.ids[$0]] == nil }
                    .map { DeliveredRow(id: slice.ids[$0], mark: slice.marks[$0]) }
            }
        }

        /// The rows that have no answer yet.
        var unanswered: [RowSlice] {
            guard let next else { return [] }
            return [next.slice.dropping(next.row)] + slices[(slice + 1)...]
        }
    }

    /// The first row in flight that has no answer.
    package var firstUnanswered: Int64? { inFlight?.next.map { $0.slice.ids[$0.row] } }

    /// Rows go to the sink.
    package mutating func begin(_ flight: InFlight) {
        endFlight()
        inFlight = flight
        for slice in flight.slices { flying.add(slice.token) }
    }

    /// Nothing is with the sink any more.
    package mutating func endFlight() {
        inFlight = nil
        flying.removeAll()
    }

    /// The sink has answered for the next `count` rows of the flight; those between them that stay behind are over too.
    package mutating func finished(_ count: Int, _ fate: Fate) {
        guard var flight = inFlight else { return }
        var left = count
        while let (slice, index) = flight.next {
            let id = slice.ids[index]
            if let parking = flight.behind[id] {
                finishOne(id, slice.marks[index], .parked, flight)
                if !flight.isStale { park(parking, slice.key(index)) }
            } else {
                guard left > 0 else { break }
                left -= 1
                finishOne(id, slice.marks[index], fate, flight)
            }
            flight.advance()
        }
        inFlight = flight
    }

    private mutating func finishOne(_ id: Int64, _ mark: RowMark, _ fate: Fate, _ flight: InFlight) {
        guard !flight.isStale else { return }
        switch flight.turn {
        case .ordered: done.append(Done(id: id, mark: mark, fate: fate))
        case .owed: owed.finish(id)
        case .parked: if fate == .delivered { parkedOutcomes.append(ParkedOutcome(id: id)) }
        }
    }

    /// Remembers why a row is parked, until a settlement has written it.
    mutating func park(_ parking: Parking, _ key: EventKey?) {
        parkings[parking.id] = parking
        guard policy.onReject == .parkKey, let key else { return }
        parkedUnsettled[parking.id] = key
        parkedKeys[key] = min(parkedKeys[key] ?? .max, parking.behind ?? parking.id)
    }

    /// The parked keys as the table has them; what is not settled comes on top.
    mutating func takeParkedKeys(_ stored: [EventKey: Int64]) {
        parkedKeys = stored
        for (id, key) in parkedUnsettled { parkedKeys[key] = min(parkedKeys[key] ?? id, id) }
    }

    /// The key of a row in flight.
    func key(of id: Int64) -> EventKey? {
        for slice in inFlight?.slices ?? [] {
            if let index = slice.ids.firstIndex(of: id) { return slice.key(index) }
        }
        return nil
    }
}

extension RowSlice {
    func key(_ index: Int) -> EventKey? { index < keys.count ? keys[index] : nil }
}
