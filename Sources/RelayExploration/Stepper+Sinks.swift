import RelayCore

extension Stepper {
    func sinkSteps(_ steps: inout [Step]) {
        for (index, side) in state.world.sides.enumerated() {
            guard let delivering = side.delivering else { continue }
            steps.append(Step(.deliver, index))
            if delivering.ids.count - delivering.answered > 1 { steps.append(Step(.deliverOne, index)) }
            if state.world.outages > 0 || delivering.isCancelled { steps.append(Step(.failDelivery, index)) }
            if state.world.lostAnswers > 0 { steps.append(Step(.loseReceipt, index)) }
        }
    }

    mutating func stepOfSink(_ kind: Step.Kind, _ index: Int) {
        guard var delivering = state.world.sides[index].delivering else { return }
        let sink = state.world.sides[index].name
        let left = delivering.ids.dropFirst(delivering.answered)
        switch kind {
        case .deliver:
            for id in left { give(id, to: index) }
            feed(.answered(sink: sink, count: left.count, .delivered))
            endDelivery(index)
        case .deliverOne:
            if let id = left.first { give(id, to: index) }
            delivering.answered += 1
            state.world.sides[index].delivering = delivering
            feed(.answered(sink: sink, count: 1, .delivered))
        case .failDelivery:
            if !delivering.isCancelled {
                state.world.outages -= 1
                feed(.answered(sink: sink, count: 1, .retry(after: nil, reason: "down")))
            }
            endDelivery(index)
        case .loseReceipt:
            state.world.lostAnswers -= 1
            if let id = left.first {
                give(id, to: index)
                state.world.sides[index].mayRepeat.insert(id)
            }
            feed(.answered(sink: sink, count: 1, .retry(after: nil, reason: "lost")))
            endDelivery(index)
        default: break
        }
    }

    private mutating func endDelivery(_ index: Int) {
        state.world.sides[index].delivering = nil
        feed(.deliveryEnded(sink: state.world.sides[index].name))
    }

    mutating func startDelivery(_ sink: String, _ ids: [Int64]) {
        guard let index = state.world.side(sink) else { return find("DELIVERY to \(sink), which is not configured") }
        if state.world.sides[index].delivering != nil { find("TWO DELIVERIES to \(sink) at once") }
        if ids.isEmpty { find("EMPTY DELIVERY to \(sink)") }
        for id in ids where scenario.waitsForVisibility && !state.world.visible.contains(id) {
            find("PHANTOM: \(id) goes to \(sink) before it is visible")
        }
        state.world.sides[index].delivering = World.Delivering(ids: ids)
    }

    /// A sink takes a row.
    mutating func give(_ id: Int64, to index: Int) {
        var side = state.world.sides[index]
        if side.given.contains(id) {
            if !side.mayRepeat.contains(id) { find("DUP: \(id) goes to \(side.name) once more") }
            side.mayRepeat.remove(id)
        } else {
            if id < side.highest, !state.world.lateRows.contains(id) {
                find("ORDER: \(id) goes to \(side.name) after \(side.highest)")
            }
            if id <= side.begins { find("BEFORE THE START: \(id) goes to \(side.name)") }
            side.given.insert(id)
            side.highest = max(side.highest, id)
        }
        state.world.sides[index] = side
    }
}
