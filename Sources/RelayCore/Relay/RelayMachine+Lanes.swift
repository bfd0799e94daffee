/// The lanes' conversations with their sinks, as far as the whole relay has a say in them.
extension RelayMachine {
    /// Sends each lane's sink what waits for it, within the lane's window.
    mutating func dispatch(at now: Int64, _ effects: inout [RelayEffect]) {
        // Between tenures nobody carries out what is decided here.
        guard !isStopping, isLeading else { return }
        for index in lanes.indices where lanes[index].isConfigured && lanes[index].mayTry(at: now) {
            let name = lanes[index].name
            let room = LaneRoom(window: policy.window, bytes: laneShare, memory: batchMemory)
            let sent = lanes[index].sendInTurn(room, parkRequests: tenure?.parkRequests[name] ?? [], at: now)
            for delivery in sent.deliveries { effects.append(RelayEffect(delivery, to: name)) }
            if sent.isOver { stamp += 1 }
        }
    }

    /// Sends rows that were read out of turn.
    mutating func sendOutOfTurn(
        _ slices: [RowSlice], _ turn: Lane.InFlight.Turn, _ index: Int, _ effects: inout [RelayEffect]
    ) {
        let name = lanes[index].name
        if let delivery = lanes[index].send(slices, turn, parkRequests: tenure?.parkRequests[name] ?? []) {
            effects.append(RelayEffect(delivery, to: name))
        } else {
            stamp += 1
        }
    }

    // MARK: - Answers

    mutating func answered(
        _ sink: String, _ flight: Int, _ count: Int, _ outcome: DeliveryOutcome, at now: Int64,
        _ effects: inout [RelayEffect]
    ) {
        guard let index = lane(sink), lanes[index].hasFlight(flight) else { return }
        stamp += 1
        let isAlone = lanes.count(where: \.isConfigured) <= 1
        tell(lanes[index].answered(flight, count, outcome, isAlone: isAlone, at: now, &random), of: sink, &effects)
    }

    mutating func deliveryEnded(_ sink: String, _ flight: Int, at now: Int64, _ effects: inout [RelayEffect]) {
        guard let index = lane(sink), lanes[index].hasFlight(flight) else { return }
        stamp += 1
        tell(lanes[index].deliveryEnded(flight, isStopping: isStopping, at: now), of: sink, &effects)
    }

    // MARK: - Opening

    /// Asks for the sinks that are not ready, once their pause is over.
    mutating func openSinks(at now: Int64, _ effects: inout [RelayEffect]) {
        guard isLeading, !isStopping else { return }
        for index in lanes.indices where lanes[index].opens(at: now) { effects.append(.openSink(lanes[index].name)) }
    }

    mutating func sinkOpened(_ sink: String, _ effects: inout [RelayEffect]) {
        guard let index = lane(sink) else { return }
        tell(lanes[index].opened(), of: sink, &effects)
    }

    mutating func sinkOpenFailed(
        _ sink: String, _ error: SinkError, at now: Int64, _ effects: inout [RelayEffect]
    ) {
        guard let index = lane(sink) else { return }
        tell(lanes[index].openFailed(error, at: now, &random), of: sink, &effects)
    }

    // MARK: - The tail

    mutating func leaveTail(_ index: Int, _ effects: inout [RelayEffect]) {
        tell([lanes[index].leaveTail()], of: lanes[index].name, &effects)
    }

    mutating func everyLaneLeavesTail(_ effects: inout [RelayEffect]) {
        for index in lanes.indices where lanes[index].place != .reading { leaveTail(index, &effects) }
    }

    // MARK: - Events

    func lane(_ sink: String) -> Int? { lanes.firstIndex { $0.name == sink } }

    mutating func tell(_ events: [LaneEvent], of sink: String, _ effects: inout [RelayEffect]) {
        for event in events {
            if event == .leftTail { tenure?.scan.want() }
            effects.append(.note(RelayNote(event, of: sink)))
        }
    }
}

extension RelayEffect {
    init(_ delivery: LaneDelivery, to sink: String) {
        self = .deliver(sink: sink, flight: delivery.flight, delivery.slices)
    }
}
