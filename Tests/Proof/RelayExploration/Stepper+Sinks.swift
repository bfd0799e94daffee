import RelayCore

extension Stepper {
    func sinkSteps(_ steps: inout [Step]) {
        for (index, side) in state.world.sides.enumerated() {
            for delivering in side.deliveries {
                let flight = Int64(delivering.flight)
                steps.append(Step(.deliver, index, flight))
                if delivering.ids.count - delivering.answered > 1 { steps.append(Step(.deliverOne, index, flight)) }
                if state.world.outages > 0 || delivering.isCancelled {
                    steps.append(Step(.failDelivery, index, flight))
                }
                if state.world.lostAnswers > 0 { steps.append(Step(.loseReceipt, index, flight)) }
            }
        }
    }

    mutating func stepOfSink(_ kind: Step.Kind, _ index: Int, _ flight: Int) {
        guard let place = state.world.sides[index].deliveries.firstIndex(where: { $0.flight == flight }) else { return }
        let delivering = state.world.sides[index].deliveries[place]
        let sink = state.world.sides[index].name
        let left = delivering.ids.dropFirst(delivering.answered)
        switch kind {
        case .deliver:
            let taken = left.prefix { !state.world.rejected.contains($0) }
            for id in taken { give(id, of: delivering, to: index) }
            if !taken.isEmpty { feed(.answered(sink: sink, flight: flight, count: taken.count, .delivered)) }
            if taken.count < left.count {
                feed(.answered(sink: sink, flight: flight, count: 1, .rejected(reason: "no")))
            }
            endDelivery(index, flight)
        case .deliverOne:
            guard let id = left.first, !state.world.rejected.contains(id) else { return }
            give(id, of: delivering, to: index)
            state.world.sides[index].deliveries[place].answered += 1
            feed(.answered(sink: sink, flight: flight, count: 1, .delivered))
        case .failDelivery:
            if !delivering.isCancelled {
                state.world.outages -= 1
                feed(.answered(sink: sink, flight: flight, count: 1, .retry(after: nil, reason: "down")))
            }
            endDelivery(index, flight)
        case .loseReceipt:
            state.world.lostAnswers -= 1
            if let id = left.first, !state.world.rejected.contains(id) {
                give(id, of: delivering, to: index)
                state.world.sides[index].mayRepeat.insert(id)
            }
            feed(.answered(sink: sink, flight: flight, count: 1, .retry(after: nil, reason: "lost")))
            endDelivery(index, flight)
        default: break
        }
    }

    private mutating func endDelivery(_ index: Int, _ flight: Int) {
        state.world.sides[index].deliveries.removeAll { $0.flight == flight }
        feed(.deliveryEnded(sink: state.world.sides[index].name, flight: flight))
    }

    mutating func cancelDeliveries(_ sink: String) {
        guard let index = state.world.side(sink) else { return }
        for place in state.world.sides[index].deliveries.indices {
            state.world.sides[index].deliveries[place].isCancelled = true
        }
    }

    mutating func startDelivery(_ sink: String, _ flight: Int, _ ids: [Int64]) {
        guard let index = state.world.side(sink) else { return find("DELIVERY to \(sink), which is not configured") }
        judgeBeside(state.world.sides[index].deliveries, sink, flight, ids)
        if ids.isEmpty { find("EMPTY DELIVERY to \(sink)") }
        for id in ids where !state.world.seen.contains(id) {
            find("PHANTOM: \(id) goes to \(sink), and was never visible")
        }
        let stored = state.world.sinks.first { $0.name == sink }?.generation
        state.world.sides[index].deliveries.append(
            World.Delivering(flight: flight, ids: ids, isAstray: state.machine?.generation(of: sink) != stored))
        state.world.sides[index].deliveries.sort { $0.flight < $1.flight }
    }

    /// With order by id one delivery at a time; with order by key none of the same key beside another.
    private mutating func judgeBeside(_ others: [World.Delivering], _ sink: String, _ flight: Int, _ ids: [Int64]) {
        guard case .key(let concurrency, _) = scenario.lane(sink).order else {
            if !others.isEmpty { find("TWO DELIVERIES to \(sink) at once") }
            return
        }
        if others.count(where: { $0.flight > 0 }) >= concurrency, flight > 0 { find("TOO MANY DELIVERIES to \(sink)") }
        let keys = Set(ids.map(scenario.key))
        for other in others where flight > 0 && other.flight > 0 {
            if !keys.isDisjoint(with: other.ids.map(scenario.key)) { find("ONE KEY TWICE at \(sink) at once") }
        }
    }

    mutating func give(_ id: Int64, of delivering: World.Delivering, to index: Int) {
        if delivering.isAstray {
            state.world.sides[index].given.insert(id)
            state.world.sides[index].mayRepeat.insert(id)
        } else if delivering.isOfEarlierReign {
            giveBesideAnother(id, to: index)
        } else {
            give(id, to: index)
        }
    }

    /// A sink takes a row.
    mutating func give(_ id: Int64, to index: Int) {
        var side = state.world.sides[index]
        if side.given.contains(id) {
            if !side.mayRepeat.contains(id) { find("DUP: \(id) goes to \(side.name) once more") }
            side.mayRepeat.remove(id)
        } else {
            judgeOrder(of: id, side)
            if id <= side.begins { find("BEFORE THE START: \(id) goes to \(side.name)") }
            side.given.insert(id)
            side.highest = max(side.highest, id)
            if scenario.keys > 0 { side.highestOfKey[scenario.key(of: id)] = max(id, highest(of: id, side)) }
        }
        state.world.sides[index] = side
    }

    private mutating func judgeOrder(of id: Int64, _ side: World.SinkSide) {
        if state.world.lateRows.contains(id) { return }
        let policy = scenario.lane(side.name)
        if policy.order == .id, id < side.highest, !side.everParked.contains(id) {
            find("ORDER: \(id) goes to \(side.name) after \(side.highest)")
        }
        let mayBePassed = policy.onReject == .park && side.everParked.contains(id)
        let earlier = highest(of: id, side)
        if policy.needsKeys, id < earlier, !mayBePassed {
            find("ORDER OF A KEY: \(id) goes to \(side.name) after \(earlier)")
        }
    }

    private func highest(of id: Int64, _ side: World.SinkSide) -> Int64 { side.highestOfKey[scenario.key(of: id)] ?? 0 }
}
