import RelayCore

extension SimulatedServer {
    /// The server stops at once and recovers from its log.
    func crash() async {
        guard isUp else { return }
        // What was written by chance before the crash is flushed too.
        if dice.chance(300) { log.flush() }
        goDown("crashes")
        await scheduler.pause(dice.number(Int64(50_000)...800_000))
        let cut = log.recover()
        // In the log's order, which need not be that in which everybody saw it.
        tables = ServerTables()
        for record in log.records { if case .change(let change) = record { change.perform(on: &tables) } }
        tell(cut, isPromotion: false)
        var drawn: Int64 = 0
        for record in log.records { if case .sequence(let value) = record { drawn = value } }
        comeUp(drawn: max(drawn, restartedAfter))
    }

    /// The server is gone for good and its replica takes over, with what it has received.
    ///
    /// Not before the replica knows of a leader and its sinks: nobody can tell that the very first ones are lost.
    func failOver() async {
        guard isUp, plan.replication != .none, replica.tables.leader.server != nil,
            replica.tables.sinks.count == plan.sinks.count
        else { return }
        goDown("is gone, its replica takes over")
        await scheduler.pause(dice.number(Int64(50_000)...800_000))
        let cut = log.promote()
        tables = replica.tables
        timeline += 1
        judge.promoted()
        tell(cut, isPromotion: true)
        comeUp(drawn: max(replica.drawn, restartedAfter))
    }

    private func tell(_ cut: (lost: [Change], shown: [Change]), isPromotion: Bool) {
        for change in cut.shown { judge.visible(change, tables) }
        trace(
            "server: loses \(cut.lost.count) changes, with events \(cut.lost.flatMap(\.rows).map(\.id)),"
                + " and shows \(cut.shown.flatMap(\.rows).map(\.id))")
        judge.lost(cut.lost, tables, isPromotion: isPromotion)
    }

    private func goDown(_ what: String) {
        trace("server: \(what)")
        isUp = false
        incarnation += 1
        for backend in backends { end(backend) }
        leader = nil
        rowLocks = [:]
        sinkTable = SinkTableLock()
        holders = [:]
        running = []
        inHand = []
        wakeReplicationWaiters()
    }

    private func comeUp(drawn: Int64) {
        sequence.restart(after: drawn)
        // Numbers that the log does not tell of are given out again.
        nextTransaction = max(700, log.highestTransaction)
        for prepared in tables.prepared {
            // It is under another name.
            prepared.transaction.virtualTransaction = newVirtualTransaction()
            holders[prepared.transaction.virtualTransaction] = .some(nil)
            if let number = prepared.transaction.number { running.insert(number) }
            inHand.formUnion(prepared.inserted)
        }
        isUp = true
        trace("server: is up, the sequence stands at \(drawn)")
    }

    /// An administrator restarts the sequence after `id`.
    func restartSequence(after id: Int64) {
        sequence.restart(after: max(sequence.last, id))
        log.append(.sequence(sequence.last))
        flush()
        restartedAfter = max(restartedAfter, id)
    }
}
