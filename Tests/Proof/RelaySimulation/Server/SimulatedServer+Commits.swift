import RelayCore

extension SimulatedServer {
    /// Commits: writes and flushes, from where on it rings; waits for the standby where it must; then everybody sees it.
    /// Its locks are still held.
    ///
    /// - Parameters:
    ///   - incarnation: the run of the server in which the transaction began.
    ///   - waits: for a synchronous standby, where there is one.
    ///   - isCut: whether the wait for the standby was cut short: the session is ended.
    /// - Throws: ``ServerFailure/connectionLost`` where the server went down meanwhile; what was flushed then stands.
    func commit(
        _ change: Change, in incarnation: Int, waits: Bool = true, isCut: @escaping () -> Bool = { false }
    ) async throws {
        await think()
        guard incarnation == self.incarnation, isUp else { throw ServerFailure.connectionLost }
        guard !isCut() else { throw ServerFailure.connectionLost }
        var change = change
        change.isLocal = !waits
        let place = log.append(.change(change))
        if change.isUnflushed { flushLater() } else { flush() }
        if waits, !change.isUnflushed, plan.replication == .synchronous {
            while incarnation == self.incarnation, log.replicated <= place, !isCut(), !scheduler.isOver {
                let reply = Reply<Void>(for: 0, scheduler)
                replicationWaiters.append(reply)
                try? await reply.value
            }
        } else {
            await think()
        }
        guard incarnation == self.incarnation else { throw ServerFailure.connectionLost }
        show(place, change)
        await think()
        guard incarnation == self.incarnation else { throw ServerFailure.connectionLost }
    }

    func show(_ place: Int, _ change: Change) {
        guard !log.isVisible[place] else { return }
        log.show(place)
        change.perform(on: &tables)
        if let transaction = change.transaction, change.end != .open { running.remove(transaction) }
        judge.visible(change, tables)
    }

    /// What is flushed rings.
    func flush() {
        for place in log.flush() {
            guard case .change(let change) = log.records[place], let transaction = change.transaction,
                !change.announced.isEmpty
            else { continue }
            let announcement = Announcement(
                transaction: transaction, ids: IDRanges(change.announced.map { IDRange($0, $0) }))
            for backend in backends { backend.slot?.bring(announcement, at: place) }
        }
    }

    /// As the WAL writer does.
    private func flushLater() {
        let began = incarnation
        scheduler.at(scheduler.now + dice.number(Int64(1000)...600_000), for: 0) { [self] in
            if began == incarnation, isUp { flush() }
        }
    }

    func draw() -> Int64 {
        let (id, record) = sequence.draw(ahead: plan.sequenceAhead)
        if let record { log.append(.sequence(record)) }
        inHand.insert(id)
        return id
    }

    /// Whether a transaction that is prepared, or about to be visible, has a row of this id.
    func isPending(_ id: Int64) -> Bool {
        tables.prepared.contains { $0.rows.contains { $0.id == id } }
    }

    // MARK: - The replica

    /// Sends the log to the replica, record by record.
    func replicate() async {
        guard plan.replication != .none else { return }
        while !scheduler.isOver {
            await scheduler.pause(standbyHangs ? 20_000 : dice.number(plan.replicationLag))
            guard !standbyHangs, isUp else { continue }
            let batch = dice.number(1...8)
            for _ in 0..<batch {
                guard let record = log.replicateOne() else { break }
                switch record {
                case .sequence(let value): replica.drawn = value
                case .transaction: break
                case .change(let change): change.perform(on: &replica.tables)
                }
            }
            wakeReplicationWaiters()
        }
        wakeReplicationWaiters()
    }

    func wakeReplicationWaiters() {
        let waiters = replicationWaiters
        replicationWaiters = []
        for waiter in waiters { waiter.give(.success(())) }
    }

    // MARK: - Slots

    /// A transaction that had written something is over, and its locks are gone.
    func hasEnded(_ transaction: UInt32) {
        running.remove(transaction)
        for backend in backends { backend.slot?.hasEnded(transaction, end: log.records.count) }
    }
}
