import RelayCore

/// A leader's sessions on the simulated server.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedSessions: LeaderSessions, LeaderWatch, LeaderWork, @unchecked Sendable {
    let leader: LeaderLink
    let worker: Link
    /// What the database was when this lead began.
    let history: DatabaseHistory
    let opened: OpenedSessions
    let epoch: Int64
    var readers: [Link] = []
    var idleReaders: [Link] = []
    var server: SimulatedServer { leader.link.server }

    init(leader: LeaderLink, work: Link, history: DatabaseHistory, opened: OpenedSessions) {
        (self.leader, worker, self.history, self.opened) = (leader, work, history, opened)
        epoch = leader.epoch
    }

    var watch: any LeaderWatch { self }
    var work: any LeaderWork { self }

    func close() async {
        for reader in readers { reader.close() }
        worker.close()
        leader.link.close()
        readers = []
        idleReaders = []
    }

    func isLoss(_ error: any Error) -> Bool {
        switch error as? ServerFailure {
        case .connectionLost, .deposed: true
        default: false
        }
    }

    // MARK: - Leader session

    func beat() async throws -> LeaderBeat { try await leader.beat() }
    func scan() async throws -> SequenceScan { try await leader.scan() }
    func describe(_ cause: OrderHold.Cause) async throws -> HolderDescription? { nil }

    func standingWaits() async throws -> [StandingWait] {
        let (server, worker) = (server, worker)
        return try await leader.link.run(limit: server.plan.leaderTimeout) { _ in
            worker.backend.isBusy ? [StandingWait(sentence: "work is busy", milliseconds: 1000, isCommit: true)] : []
        }
    }

    func note(_ status: LeaderStatus) async throws {
        let server = server
        try await leader.link.run(limit: server.plan.leaderTimeout) { _ in await server.think() }
    }

    func writeStop(_ travel: TimeTravel) async throws -> Bool { try await leader.writeStop(travel, []) }

    // MARK: - Work session

    func claim(_ request: ClaimRequest) async throws -> FetchedClaim {
        try await onWork { server, backend in
            func candidates() -> ArraySlice<Row> {
                let above = server.tables.unpublished.above(request.after)
                guard let below = request.below else { return above }
                return above.prefix { $0.id < below }
            }
            let nothing = FetchedClaim(rows: FetchedRows(batch: nil, ids: [], reachedEnd: true))
            if request.probesFirst, candidates().isEmpty { return nothing }
            await server.think()
            try backend.check()
            let rows = server.fitting(
                candidates().filter { server.rowLocks[$0.id] == nil }, rows: request.rows, bytes: request.bytes)
            guard !rows.taken.isEmpty else { return nothing }
            backend.claimed = Set(rows.taken.map(\.id))
            for row in rows.taken { server.rowLocks[row.id] = backend.pid }
            await server.think()
            try backend.check()
            // After the rows: none of them can have been drawn later.
            return FetchedClaim(rows: try rows.fetched, lastValue: server.sequence.last, isOpen: true)
        }
    }

    func endClaim() async throws {
        try await onWork { server, backend in server.unlockRows(of: backend) }
    }

    func recheckGaps(_ gaps: IDRanges) async throws -> RowsInGaps {
        try await onWork { server, _ in server.recheckGaps(gaps) }
    }

    /// A statement on the work session; where it fails, the transaction is over.
    func onWork<Value: Sendable>(
        _ body: @escaping @Sendable (SimulatedServer, Backend) async throws -> Value
    ) async throws -> Value {
        let (server, process) = (server, worker.process)
        return try await worker.run { backend in
            do {
                if server.plan.faultsAreOn(at: server.scheduler.now), server.dice.chance(server.plan.failures) {
                    server.trace("relay \(process.number): a statement fails")
                    throw ServerFailure.failed("by the simulation")
                }
                return try await body(server, backend)
            } catch {
                if backend.isAlive { server.unlockRows(of: backend) }
                throw error
            }
        }
    }

    /// A transaction that reads the sinks before anything else.
    func onWorkWithSinks<Value: Sendable>(
        _ body: @escaping @Sendable (SimulatedServer, Backend) async throws -> Value
    ) async throws -> Value {
        try await onWork { server, backend in
            try await server.withSinkTable(backend) { try await body(server, backend) }
        }
    }

    // MARK: - Reading sessions

    /// The tail's next rows; what is asked of transactions is asked before.
    func readTail(_ request: TailRequest) async throws -> FetchedTail {
        try await withReader { server, backend in
            let asksLater = server.plan.mutant == .snapshotAskedLater
            var seen = server.answer(request)
            await server.think()
            try backend.check()
            var rows = server.fitting(
                server.rows(request.rows), rows: request.rows.rows, bytes: request.rows.bytes)
            if server.plan.mutant == .draftsDelivered {
                for index in rows.taken.indices { rows.taken[index].version = 0 }
            }
            let lastValue = rows.taken.isEmpty ? nil : server.sequence.last
            if asksLater {
                await server.scheduler.pause(server.dice.number(Int64(500)...20_000))
                try backend.check()
                seen = server.answer(request)
            }
            return FetchedTail(
                rows: try rows.fetched, lastValue: lastValue, visible: seen.visible, edges: seen.edges)
        }
    }

    func read(_ request: ReadRequest) async throws -> FetchedRows {
        try await withReader { server, _ in
            let rows = server.rows(request)
            if request.idsOnly {
                let ids = rows.prefix(request.rows).map(\.id)
                return FetchedRows(batch: nil, ids: ids, reachedEnd: ids.count < request.rows)
            }
            return try server.fitting(rows, rows: request.rows, bytes: request.bytes).fetched
        }
    }

    func readOwed(_ ids: [Int64]) async throws -> FetchedRows {
        try await withReader { server, _ in
            try server.fitting(ids.compactMap(server.tables.row), rows: .max, bytes: server.plan.policy.memory / 8)
                .fetched
        }
    }

    func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows {
        try await withReader { server, _ in
            let rows = server.tables.parked.filter { $0.sink == sink && ids.contains($0.row.id) }.map(\.row)
            return try server.fitting(rows, rows: .max, bytes: server.plan.policy.memory / 8).fetched
        }
    }

    // MARK: - Beside leading

    func rowsHeld(by sink: String) async throws -> HeldRows {
        let count = server.tables.unpublished.above(server.tables.sinks.first { $0.name == sink }?.cursor ?? 0).count
        return HeldRows(rows: Int64(count), bytes: 0)
    }

    /// Rows have no age here.
    func purgePage(olderThan age: Int64) async throws -> PurgedPage { PurgedPage() }

    private func withReader<Value: Sendable>(
        _ body: @escaping @Sendable (SimulatedServer, Backend) async throws -> Value
    ) async throws -> Value {
        let reader: Link
        if let idle = idleReaders.popLast() {
            reader = idle
        } else {
            reader = try await leader.openFurther(.read)
            readers.append(reader)
        }
        do {
            let server = server
            let value = try await reader.run { backend in
                await server.think()
                let seen = try await body(server, backend)
                if server.dice.chance(server.plan.slowReads) {
                    await server.scheduler.pause(server.dice.number(Int64(2000)...60_000))
                }
                return seen
            }
            idleReaders.append(reader)
            return value
        } catch {
            readers.removeAll { $0 === reader }
            reader.close()
            throw error
        }
    }
}

extension SimulatedServer {
    /// The rows that a read asks for, of both leaves, ascending.
    fileprivate func rows(_ request: ReadRequest) -> [Row] {
        let both = tables.unpublished.above(request.after) + tables.published.above(request.after)
        return both.filter { $0.id <= request.through }.sorted { $0.id < $1.id }
    }

    /// What a snapshot says of the transactions that are asked about.
    fileprivate func answer(_ request: TailRequest) -> (visible: [UInt32], edges: SnapshotEdges?) {
        let visible = plan.mutant == .announcedIsVisible ? request.transactions : visible(request.transactions)
        return (visible, request.wantsEdges ? snapshotEdges : nil)
    }
}
