import RelayCore

extension Stepper {
    func streamSteps(_ steps: inout [Step]) {
        switch state.world.slot {
        case .absent: return
        case .creating(let running): if running == 0 { steps.append(Step(.reachConsistency)) }
        case .consistent: steps.append(Step(.standStream))
        case .standing: if !state.world.queue.isEmpty { steps.append(Step(.receiveRows)) }
        }
        if state.world.streamLosses > 0 { steps.append(Step(.loseStream)) }
    }

    mutating func stepOfStream(_ kind: Step.Kind) {
        switch kind {
        case .reachConsistency: state.world.slot = .consistent
        case .standStream:
            state.world.slot = .standing
            feed(.streamStanding)
        case .receiveRows:
            let ids = state.world.queue.removeFirst()
            feed(.streamRows(batch(ids)))
        case .loseStream:
            state.world.streamLosses -= 1
            state.world.slot = .absent
            state.world.queue = []
            feed(.streamEnded)
        default: break
        }
    }
}
