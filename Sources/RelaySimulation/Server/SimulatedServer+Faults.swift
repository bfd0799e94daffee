import RelayCore

extension SimulatedServer {
    /// The server stops at once and recovers from its log.
    func crash() async {
        guard isUp else { return }
        // What was written by chance before the crash is flushed too.
        if dice.chance(300) { log.flush() }
        goDown("crashes")
        await scheduler.pause(dice.number(Int64(50_000)...800_000))
        for place in log.recover() {
            guard case .change(let change) = log.records[place] else { continue }
            show(place, change)
        }
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
        let (lost, shown) = log.promote()
        tables = replica.tables
        timeline += 1
        for change in shown {
            judge.visible(change.rows)
            judge.published(change.published, tables)
        }
        trace(
            "server: loses \(lost.count) changes, with events \(lost.flatMap(\.rows).map(\.id)),"
                + " and shows \(shown.flatMap(\.rows).map(\.id))")
        judge.lost(lost, tables)
        comeUp(drawn: max(replica.drawn, restartedAfter))
    }

    private func goDown(_ what: String) {
        trace("server: \(what)")
        isUp = false
        incarnation += 1
        for backend in backends { end(backend) }
        leader = nil
        rowLocks = [:]
        holders = [:]
        running = []
        inHand = []
        wakeReplicationWaiters()
    }

    private func comeUp(drawn: Int64) {
        sequence.restart(after: drawn)
        for prepared in tables.prepared {
            // It stands under another name.
            prepared.transaction.virtualTransaction = newVirtualTransaction()
            holders[prepared.transaction.virtualTransaction] = .some(nil)
            running.insert(prepared.transaction.number)
            inHand.formUnion(prepared.rows.map(\.id))
        }
        isUp = true
        trace("server: is up, the sequence stands at \(drawn)")
    }

    /// An administrator restarts the sequence after `id`.
    func restartSequence(after id: Int64) {
        sequence.restart(after: max(sequence.last, id))
        log.append(.sequence(sequence.last))
        log.flush()
        restartedAfter = max(restartedAfter, id)
    }
}
