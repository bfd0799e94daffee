/// What a lane gives its sink.
///
/// A crash repeats at most the window, in turn and out of turn together.
extension Lane {
    /// Whether the sink may be given rows at all now.
    func mayTry(at now: Int64) -> Bool { opening == .open && unparked == nil && health.mayTry(at: now) }

    /// Rows in turn that the lane may be handed. While others wait out of turn a part of the window is left to them.
    func roomInTurn(_ window: Int) -> Int {
        let kept = waitsOutOfTurn ? min(window - 1, max(1, window / 8)) : 0
        return window - kept - unsettled
    }

    /// Owed or parked rows that the lane may be handed.
    func roomOutOfTurn(_ window: Int) -> Int { window - unsettled }

    /// Sends what waits in turn.
    ///
    /// - Parameter parkRequests: the events that somebody wants parked.
    /// - Returns: the deliveries, and whether rows are over without one.
    mutating func sendInTurn(
        _ room: LaneRoom, parkRequests: Set<Int64>, at now: Int64
    ) -> (deliveries: [LaneDelivery], isOver: Bool) {
        keyed == nil ? sendInSequence(room, parkRequests) : sendByKey(room, parkRequests, at: now)
    }

    private mutating func sendInSequence(
        _ room: LaneRoom, _ parkRequests: Set<Int64>
    ) -> (deliveries: [LaneDelivery], isOver: Bool) {
        guard inFlight == nil, !queue.isEmpty else { return ([], false) }
        let rows = roomInTurn(room.window)
        // Settling takes its time; a few rows at a time would keep the sink from batching.
        guard rows > 0, rows >= min(room.window / 4, queue.count) else { return ([], false) }
        let delivery = send(queue.take(rows, bytes: room.bytes, of: room.memory), .ordered, parkRequests: parkRequests)
        return (delivery.map { [$0] } ?? [], delivery == nil)
    }

    private mutating func sendByKey(
        _ room: LaneRoom, _ parkRequests: Set<Int64>, at now: Int64
    ) -> (deliveries: [LaneDelivery], isOver: Bool) {
        guard var window = keyed else { return ([], false) }
        let rows = roomInTurn(room.window)
        if rows > 0, !queue.isEmpty, !window.isWindingDown, window.bytes(in: room.memory) < room.bytes {
            window.take(queue.take(rows, bytes: room.bytes, of: room.memory))
        }
        for parking in window.park(requested: parkRequests) { park(parking, window.key(of: parking.id)) }
        for parking in window.park(parkedKeys) { park(parking, window.key(of: parking.id)) }
        var deliveries: [LaneDelivery] = []
        while let (flight, slices) = window.next(at: now) {
            deliveries.append(LaneDelivery(flight: flight, slices: slices))
        }
        keyed = window
        return (deliveries, takeFinished())
    }

    /// Sends rows in one flight, without those that stay behind.
    ///
    /// - Returns: the delivery; nil where all of them stay behind, and are over.
    mutating func send(_ slices: [RowSlice], _ turn: InFlight.Turn, parkRequests: Set<Int64>) -> LaneDelivery? {
        var flight = InFlight(slices: slices, turn: turn)
        flight.behind = staysBehind(slices, parkRequests)
        begin(flight)
        // Those before the first that is sent are over: no answer speaks of them.
        finished(0, .parked)
        let sent = flight.sent
        guard sent.isEmpty else { return LaneDelivery(flight: 0, slices: sent) }
        endFlight()
        return nil
    }

    /// What is over, with everything before it, is done.
    ///
    /// - Returns: whether there was anything.
    mutating func takeFinished() -> Bool {
        guard let over = keyed?.takeFinished(), !over.isEmpty else { return false }
        done += over
        return true
    }

    /// The rows that are not sent but parked: those that somebody wants parked, and those whose key is parked already.
    private func staysBehind(_ slices: [RowSlice], _ requested: Set<Int64>) -> [Int64: Parking] {
        var keys = parkedKeys
        guard !keys.isEmpty || !requested.isEmpty else { return [:] }
        let parksKeys = policy.onReject == .parkKey
        var result: [Int64: Parking] = [:]
        for slice in slices {
            for (place, id) in slice.ids.enumerated() {
                let key = slice.key(place)
                if requested.contains(id) {
                    result[id] = Parking(requested: id)
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

    /// A lane that is blocked at one of these goes on at once.
    mutating func release(_ ids: Set<Int64>) {
        if case .blocked(let id?, _, _) = health, ids.contains(id) { health = .well }
        if let id = outOfTurn?.rejected, ids.contains(id) { outOfTurn = nil }
    }

    /// What was read and not handed over is dropped: the table is read from here on.
    mutating func leaveTail() -> LaneEvent {
        dropQueue()
        place = .reading
        return .leftTail
    }
}
