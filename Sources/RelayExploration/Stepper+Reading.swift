import RelayCore

extension Stepper {
    func readingSteps(_ steps: inout [Step]) {
        for (index, read) in state.world.reads.enumerated() {
            switch read.request {
            case .sent:
                steps.append(Step(.executeRead, index))
                if state.world.workFailures > 0 { steps.append(Step(.failRead, index)) }
            case .answered: steps.append(Step(.answerRead, index))
            }
        }
    }

    mutating func stepOfReading(_ kind: Step.Kind, _ index: Int) {
        let read = state.world.reads[index]
        switch (kind, read.request) {
        case (.executeRead, .sent(let effect)):
            guard let input = answer(effect) else { return }
            if scenario.answersApart {
                state.world.reads[index].request = .answered(input)
            } else {
                state.world.reads.remove(at: index)
                feed(input)
            }
        case (.answerRead, .answered(let input)):
            state.world.reads.remove(at: index)
            feed(input)
        case (.failRead, _):
            state.world.workFailures -= 1
            state.world.reads.remove(at: index)
            feed(.readFailed(sink: read.sink))
        default: break
        }
    }

    private func answer(_ effect: RelayEffect) -> RelayInput? {
        switch effect {
        case .read(let request):
            let rows = state.world.visible.above(request.after).ids.filter { $0 <= request.through }
            let ids = Array(rows.prefix(request.rows))
            return .rowsRead(
                sink: request.sink, batch(ids, isIDsOnly: request.idsOnly), reachedEnd: ids.count < request.rows)
        case .readLate(let sink, let ids):
            return .lateRowsRead(sink: sink, batch(ids.filter(state.world.visible.contains)))
        case .readParked(let sink, let ids):
            return .parkedRowsRead(sink: sink, batch(ids.filter(state.world.parked(for: sink).contains)))
        default: return nil
        }
    }
}
