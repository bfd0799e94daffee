import RelayCore

extension Stepper {
    func workSteps(_ steps: inout [Step]) {
        guard let work = state.world.work else { return }
        switch work {
        case .sent: steps.append(Step(.executeWork))
        case .answered: steps.append(Step(.answerWork))
        }
        if state.world.workFailures > 0, case .sent = work { steps.append(Step(.failWork)) }
    }

    mutating func stepOfWork(_ kind: Step.Kind) {
        switch (kind, state.world.work) {
        case (.executeWork, .sent(let effect)):
            guard let input = execute(effect) else { return }
            if scenario.answersApart, case .claimed = input {
                state.world.work = .answered(input)
            } else {
                state.world.work = nil
                feed(input)
            }
        case (.answerWork, .answered(let input)):
            state.world.work = nil
            feed(input)
        case (.failWork, _):
            state.world.workFailures -= 1
            state.world.work = nil
            state.world.claimed = IDSet()
            feed(.workFailed)
        default: break
        }
    }

    /// Does what the work session was asked for, in one transaction; gives the answer.
    mutating func execute(_ effect: RelayEffect) -> RelayInput? {
        switch effect {
        case .claim(let request): .claimed(claim(request))
        case .recheckGaps(let ranges): .gapsRechecked(recheckGaps(ranges))
        case .settle(let lanes, let inClaim): .settled(settle(lanes, inClaim: inClaim))
        case .sweep(let request): .swept(sweep(request))
        case .fixStarts(let closedThrough, let firstScanIsOver):
            .startsFixed(fixStarts(closedThrough: closedThrough, firstScanIsOver: firstScanIsOver))
        default: nil
        }
    }

    private mutating func claim(_ request: ClaimRequest) -> ClaimedRows {
        let world = state.world
        var rows = world.unpublished.above(request.after)
        if let below = request.below { rows = rows.through(below - 1) }
        let isOpen = !(request.probesFirst && rows.isEmpty)
        let ids = Array(rows.subtracting(world.locked).ids.prefix(request.rows))
        state.world.claimed = IDSet(ids)
        return ClaimedRows(
            rows: batch(ids), lastValue: ids.isEmpty ? nil : world.lastValue, reachedEnd: ids.count < request.rows,
            isOpen: isOpen)
    }

    private func recheckGaps(_ ranges: IDRanges) -> RowsInGaps {
        if scenario.mutation == .recheckSkipped { return RowsInGaps() }
        return RowsInGaps(
            unpublished: state.world.unpublished.ids.filter(ranges.contains),
            published: state.world.published.ids.filter(ranges.contains))
    }

    private mutating func sweep(_ request: SweepRequest) -> SweptState {
        let owedBefore = state.world.owed
        let visible = state.world.visible
        state.world.owed.removeAll { !visible.contains($0.id) }
        let world = state.world
        let low = world.sinks.cursorSpan.low
        let announced = request.announced.reduce(IDRanges()) { $0.union($1.ids) }
        let found = world.unpublished.ids.filter {
            $0 <= low || world.absent.contains($0) || announced.contains($0)
        }
        let met = world.absent.touching(IDRanges(found.map { IDRange($0, $0) }))
        let writes = SweepWrites(SweepFacts(sinks: world.sinks, absent: met, owed: world.owed, found: found))
        enter(writes.owedEntered, by: "sweep")
        if let absent = writes.absent { state.world.absent = world.absent.subtracting(met).union(absent) }
        if !writes.isEmpty { state.world.write() }
        if scenario.policy.untilDrained { state.world.seenBySweep = world.visible }
        let isOwedRead = request.owed || state.world.owed != owedBefore
        return SweptState(
            sinks: world.sinks, owed: isOwedRead ? [String: OwedPortion](whole: state.world.owed) : nil,
            entered: writes.owedEntered,
            aboveTail: world.unpublished.above(request.tail).ids,
            visible: request.announced.map(\.transaction).filter(world.isOver), parkedToRetry: parkedToRetry,
            parkedKeys: request.parkedKeys ? parkedKeys : nil)
    }

    private mutating func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) -> [SinkRegistration] {
        for sink in state.world.sinks where !sink.isFixed {
            let world = state.world
            let oldest = world.unpublished.lowest
            let facts = StartFacts(
                sinks: world.sinks, absent: world.absent, closedThrough: closedThrough,
                firstScanIsOver: firstScanIsOver, oldestUnpublished: oldest,
                rowBelowOldest: oldest.flatMap { world.visible.through($0 - 1).highest },
                highestClosedRow: world.visible.through(closedThrough).highest, lowestRow: world.visible.lowest,
                sequenceStart: 1)
            guard let fixed = FixedStart(of: sink, facts), let index = world.sinks.firstIndex(of: sink) else {
                continue
            }
            var others = world.sinks
            others[index].cursor = fixed.cursor
            others[index].start = nil
            let missing = IDRanges.absent(
                above: others.cursorSpan.low, through: fixed.cursor, present: world.visible.ids)
            state.world.absent = fixed.ranges(of: sink.name, facts, missing: missing)
            others[index].passThrough = fixed.passThrough
            others[index].isEarned = false
            state.world.sinks = others
            state.world.write()
            if let side = world.side(sink.name) {
                state.world.sides[side].begins = max(fixed.cursor, fixed.passThrough ?? 0)
            }
        }
        return state.world.sinks
    }

    // MARK: - Rows

    func batch(_ ids: [Int64], isIDsOnly: Bool = false) -> RowBatch {
        RowBatch(
            token: isIDsOnly || ids.isEmpty ? nil : freeToken(ids), ids: ids,
            keys: scenario.keys > 0 ? ids.map(scenario.key) : [],
            bytes: scenario.batchBytes)
    }

    /// Where memory is not explored, a batch is named by its first row, so that states stay few.
    private func freeToken(_ ids: [Int64]) -> BatchToken {
        guard scenario.batchBytes > 0, let machine = state.machine else { return BatchToken(Int(ids.first ?? 0)) }
        var number = 0
        while machine.keeps(BatchToken(number)) { number += 1 }
        return BatchToken(number)
    }
}
