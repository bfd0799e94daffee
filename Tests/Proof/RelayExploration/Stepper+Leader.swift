import RelayCore

extension Stepper {
    func leaderSteps(_ steps: inout [Step]) {
        switch state.world.scan {
        case .none: break
        case .sent: steps.append(Step(.readLastValue))
        case .hasValue, .hasHolders: steps.append(Step(.listHolders))
        }
    }

    mutating func stepOfLeader(_ kind: Step.Kind) {
        switch (kind, state.world.scan) {
        case (.readLastValue, .sent):
            state.world.scan =
                scenario.mutation == .holdersFirst ? .hasHolders(holders()) : .hasValue(state.world.lastValue)
        case (.listHolders, .hasValue(let value)):
            state.world.scan = .none
            feed(.scanned(SequenceScan(lastValue: value, holders: holders())))
        case (.listHolders, .hasHolders(let holders)):
            state.world.scan = .none
            feed(.scanned(SequenceScan(lastValue: state.world.lastValue, holders: holders)))
        default: break
        }
    }

    private func holders() -> Set<SequenceHolder> {
        var result = Set<SequenceHolder>()
        for (index, producer) in state.world.producers.enumerated() where producer.holdsSequence {
            if scenario.mutation == .preparedOverlooked, producer.phase == .prepared { continue }
            result.insert(state.world.holder(index))
        }
        return result
    }
}
