import RelayCore

extension Stepper {
    func producerSteps(_ steps: inout [Step]) {
        let world = state.world
        for (index, producer) in world.producers.enumerated() {
            let habits = scenario.producers[index]
            switch producer.phase {
            case .idle: startSteps(index, &steps)
            case .locked: steps.append(Step(world.lastValue < scenario.ids ? .draw : .rollBack, index))
            case .drawn: transactionSteps(index, producer, habits, &steps)
            case .prepared:
                steps.append(Step(.commit, index))
                steps.append(Step(.rollBack, index))
            case .flushed, .insertedLate: steps.append(Step(.becomeVisible, index))
            case .visible: steps.append(Step(.unlock, index))
            case .keeping:
                if producer.ids.intersection(world.visible).isEmpty { steps.append(Step(.insertLate, index)) }
                steps.append(Step(.rollBack, index))
            }
        }
    }

    private func startSteps(_ index: Int, _ steps: inout [Step]) {
        let world = state.world
        guard world.producers[index].left > 0 else { return }
        // Producers of the same habits are alike: the first one starts first.
        if index > 0, scenario.producers[index - 1] == scenario.producers[index],
            world.producers[index - 1].phase == .idle, world.producers[index - 1].left == scenario.transactions
        {
            return
        }
        if world.lastValue < scenario.ids { steps.append(Step(scenario.locksApart ? .lock : .draw, index)) }
        guard scenario.producers[index].contains(.givesID), world.lastValue > 0 else { return }
        var taken = world.visible
        for producer in world.producers { taken.formUnion(producer.ids) }
        for id in 1...world.lastValue where !taken.contains(id) { steps.append(Step(.giveID, index, id)) }
    }

    private func transactionSteps(
        _ index: Int, _ producer: World.Producer, _ habits: ProducerHabits, _ steps: inout [Step]
    ) {
        if habits.contains(.drawsTwice), producer.ids.count < 2, state.world.lastValue < scenario.ids {
            steps.append(Step(.draw, index))
        }
        steps.append(Step(.rollBack, index))
        if habits.contains(.withdraws), !producer.ids.isEmpty { steps.append(Step(.withdraw, index)) }
        if producer.ids.isEmpty, !producer.withdrawn.isEmpty { steps.append(Step(.commit, index)) }
        guard !producer.ids.isEmpty else { return }
        steps.append(Step(.commit, index))
        if habits.contains(.usesSavepoint) { steps.append(Step(.rollBackToSavepoint, index)) }
        if habits.contains(.prepares) { steps.append(Step(.prepare, index)) }
        if habits.contains(.keepsID) { steps.append(Step(.keepID, index)) }
    }

    func serverSteps(_ steps: inout [Step]) {
        let world = state.world
        if world.operatorLocks > 0 {
            let free = world.unpublished.subtracting(world.locked).subtracting(world.claimed)
            for id in free.ids { steps.append(Step(.lockRow, 0, id)) }
        }
        for id in world.locked.ids { steps.append(Step(.unlockRow, 0, id)) }
        if world.cleanUps > 0 {
            let free = world.unpublished.subtracting(world.locked).subtracting(world.claimed)
            for id in free.ids { steps.append(Step(.cleanUp, 0, id)) }
        }
        if world.undoneMarks > 0 { for id in world.published.ids { steps.append(Step(.undoMark, 0, id)) } }
        if world.serverCrashes > 0 {
            for value in world.durable...world.lastValue { steps.append(Step(.crashServer, 0, value)) }
        }
    }
}

extension World {
    /// One step of a producer.
    mutating func produce(_ kind: Step.Kind, _ index: Int, _ id: Int64, _ scenario: Scenario) {
        switch kind {
        case .lock: producers[index].phase = .locked
        case .draw:
            lastValue += 1
            producers[index].ids.insert(lastValue)
            producers[index].phase = .drawn
            begin(index)
        case .withdraw:
            guard let highest = producers[index].ids.highest else { return }
            producers[index].ids.remove(highest)
            producers[index].withdrawn.insert(highest)
        case .rollBackToSavepoint:
            if let highest = producers[index].ids.highest { producers[index].ids.remove(highest) }
        case .commit: commit(index, scenario)
        case .becomeVisible: becomeVisible(index)
        case .unlock, .rollBack: endTransaction(index)
        case .prepare:
            producers[index].phase = .prepared
            write()
            if scenario.producers[index].contains(.isRenamed) { producers[index].renamed += 1 }
        case .keepID:
            producers[index].phase = .keeping
            write()
            slotNoLongerWaits(for: index)
        case .insertLate:
            producers[index].phase = .insertedLate
            producers[index].transaction = 0
            begin(index)
            write(index)
            if !scenario.flushesApart { becomeVisible(index) }
        case .giveID:
            var ids = IDSet()
            ids.insert(id)
            producers[index].ids = ids
            producers[index].phase = .insertedLate
            begin(index)
            write(index)
            becomeVisible(index)
        default: break
        }
    }

    private mutating func commit(_ index: Int, _ scenario: Scenario) {
        write(index)
        producers[index].phase = .flushed
        if !scenario.flushesApart { becomeVisible(index) }
    }

    /// The transaction gets its number.
    private mutating func begin(_ index: Int) {
        guard producers[index].transaction == 0 else { return }
        producers[index].transaction = nextTransaction
        nextTransaction += 1
    }

    /// The commit record is flushed, and rings from here on.
    private mutating func write(_ index: Int) {
        write()
        let producer = producers[index]
        ring(producer.transaction, producer.ids.union(producer.withdrawn))
    }

    mutating func ring(_ transaction: UInt8, _ ids: IDSet) {
        if slot == .consistent || slot == .standing { queue.append(Ring(transaction: transaction, ids: ids)) }
    }

    private mutating func becomeVisible(_ index: Int) {
        unpublished.formUnion(producers[index].ids)
        seen.formUnion(producers[index].ids)
        if producers[index].phase == .insertedLate {
            lateRows.formUnion(producers[index].ids)
            endTransaction(index)
        } else {
            producers[index].phase = .visible
        }
    }

    private mutating func endTransaction(_ index: Int) {
        slotNoLongerWaits(for: index)
        producers[index].phase = .idle
        producers[index].ids = IDSet()
        producers[index].withdrawn = IDSet()
        producers[index].transaction = 0
        producers[index].renamed = 0
        producers[index].left -= 1
    }

    /// Something is committed: what has been drawn so far stays drawn. (Kept only while the server may crash.)
    mutating func write() {
        if serverCrashes > 0 { durable = lastValue }
    }

    private mutating func slotNoLongerWaits(for index: Int) {
        if case .creating(let running) = slot { slot = .creating(running: running & ~(1 << UInt8(index))) }
    }

    /// The server crashed and is back: what was written is visible, what was not is gone, what was prepared stands
    /// under another name, and ids that were drawn for nothing may be drawn again.
    mutating func recover(lastValue: Int64) {
        self.lastValue = lastValue
        locked = IDSet()
        for index in producers.indices {
            switch producers[index].phase {
            case .idle, .keeping: break
            case .locked, .drawn, .visible: endTransaction(index)
            case .prepared: producers[index].renamed += 1
            case .flushed:
                becomeVisible(index)
                endTransaction(index)
            case .insertedLate: becomeVisible(index)
            }
        }
    }
}
