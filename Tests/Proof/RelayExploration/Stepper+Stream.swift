import RelayCore

extension Stepper {
    func streamSteps(_ steps: inout [Step]) {
        switch state.world.slot {
        case .absent: return
        case .creating(let running): if running == 0 { steps.append(Step(.reachConsistency)) }
        case .consistent: steps.append(Step(.standStream))
        case .standing: if !state.world.queue.isEmpty { steps.append(Step(.ring)) }
        }
        if state.world.streamLosses > 0 { steps.append(Step(.loseStream)) }
    }

    mutating func stepOfStream(_ kind: Step.Kind) {
        switch kind {
        case .reachConsistency: state.world.slot = .consistent
        case .standStream:
            state.world.slot = .standing
            feed(.streamStanding)
        case .ring:
            let ring = state.world.queue.removeFirst()
            feed(.rung([Announcement(transaction: UInt32(ring.transaction), ids: IDRanges(ascending: ring.ids.ids))]))
        case .loseStream:
            state.world.streamLosses -= 1
            state.world.slot = .absent
            state.world.queue = []
            feed(.streamEnded)
        default: break
        }
    }
}
