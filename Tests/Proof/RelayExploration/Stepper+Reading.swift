import RelayCore

extension Stepper {
    func readingSteps(_ steps: inout [Step]) {
        switch state.world.tailRead {
        case nil: break
        case .sent:
            steps.append(Step(.executeTailRead))
            if state.world.workFailures > 0 { steps.append(Step(.failTailRead)) }
        case .answered: steps.append(Step(.answerTailRead))
        }
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
            feed(.readFailed(sink: read.sink, read.kind))
            guard scenario.mutation == .failsTogether else { return }
            for other in state.world.reads where other.sink == read.sink {
                feed(.readFailed(sink: other.sink, other.kind))
            }
        default: break
        }
    }

    mutating func stepOfTailRead(_ kind: Step.Kind) {
        switch (kind, state.world.tailRead) {
        case (.executeTailRead, .sent(.readTail(let request))):
            let input = RelayInput.tailRead(tail(request))
            state.world.tailRead = scenario.answersApart ? .answered(input) : nil
            if !scenario.answersApart { feed(input) }
        case (.answerTailRead, .answered(let input)):
            state.world.tailRead = nil
            if scenario.mutation == .askedTooLate, case .tailRead(var rows) = input {
                rows.visible = (1..<UInt32(state.world.nextTransaction)).filter(state.world.isOver)
                return feed(.tailRead(rows))
            }
            feed(input)
        case (.failTailRead, _):
            state.world.workFailures -= 1
            state.world.tailRead = nil
            feed(.tailReadFailed)
        default: break
        }
    }

    private func tail(_ request: TailRequest) -> TailRows {
        let read = request.rows
        let rows = state.world.visible.above(read.after).ids.filter { $0 <= read.through }
        let ids = Array(rows.prefix(read.rows))
        return TailRows(
            rows: batch(ids), lastValue: ids.isEmpty ? nil : state.world.lastValue, reachedEnd: ids.count < read.rows,
            visible: request.transactions.filter(state.world.isOver),
            edges: request.wantsEdges ? state.world.edges : nil)
    }

    /// A mark is taken back: the row is to be delivered once more, wherever its id is.
    mutating func undoMark(_ id: Int64) {
        state.world.undoneMarks -= 1
        state.world.published.remove(id)
        state.world.unpublished.insert(id)
        state.world.lateRows.insert(id)
        for index in state.world.sides.indices { state.world.sides[index].mayRepeat.insert(id) }
        state.world.ring(state.world.nextTransaction, IDSet([id]))
        state.world.nextTransaction += 1
        state.world.write()
    }

    private func answer(_ effect: RelayEffect) -> RelayInput? {
        switch effect {
        case .read(let request):
            let rows = state.world.visible.above(request.after).ids.filter { $0 <= request.through }
            let ids = Array(rows.prefix(request.rows))
            return .rowsRead(
                sink: request.sink, batch(ids, isIDsOnly: request.idsOnly), reachedEnd: ids.count < request.rows)
        case .readOwed(let sink, let ids):
            return .owedRowsRead(sink: sink, batch(ids.filter(state.world.visible.contains)))
        case .readParked(let sink, let ids):
            return .parkedRowsRead(sink: sink, batch(ids.filter(state.world.parked(for: sink).contains)))
        default: return nil
        }
    }
}
