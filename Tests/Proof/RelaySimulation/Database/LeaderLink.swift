import RelayCore

/// The session that holds the leader's lock.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class LeaderLink: @unchecked Sendable {
    let link: Link
    private(set) var epoch: Int64 = 0
    private var server: SimulatedServer { link.server }
    private var limit: Int64 { server.plan.leaderTimeout }

    init(_ link: Link) {
        self.link = link
        link.backend.patience = link.server.plan.leaderTimeout
    }

    var mark: SessionMark {
        SessionMark(pid: Int64(link.backend.pid), backendStart: "\(link.backend.incarnation)")
    }

    func beat() async throws -> LeaderBeat {
        let server = server
        return try await link.run(limit: limit) { _ in
            let tables = server.tables
            var sinks: [String: LeaderBeat.StoredCursor] = [:]
            for sink in tables.sinks {
                sinks[sink.name] = LeaderBeat.StoredCursor(generation: sink.generation, cursor: sink.cursor)
            }
            return LeaderBeat(
                epoch: tables.leader.epoch, stoppedReason: tables.leader.stoppedReason,
                lastValue: server.sequence.last, brokenSequence: nil, sinks: sinks,
                parkedIsRequested: tables.parked.contains(where: \.isRequested))
        }
    }

    /// The sequence's last value, then those who hold its lock: two statements, in this order.
    func scan() async throws -> SequenceScan {
        let server = server
        return try await link.run(limit: limit) { backend in
            let isReversed = server.plan.mutant == .holdersFirst
            var holders = server.sequenceHolders
            var last = server.sequence.last
            await server.think()
            try backend.check()
            if isReversed { last = server.sequence.last } else { holders = server.sequenceHolders }
            return SequenceScan(lastValue: last, holders: holders)
        }
    }

    /// Writes why nobody may deliver any more, if what it tells of is still so.
    func writeStop(_ travel: TimeTravel, _ unsettled: [DeliveredRow]) async throws -> Bool {
        let server = server
        return try await link.run(limit: limit) { backend in
            let tables = server.tables
            if tables.leader.stoppedReason != nil { return true }
            let isSo =
                switch travel {
                case .sequenceBehind(_, let handed): server.sequence.last < handed
                case .cursorBehind(let sink, let generation, _, let acknowledged):
                    tables.sinks.contains {
                        $0.name == sink && $0.generation == generation && $0.cursor < acknowledged
                    }
                case .rowChanged(let id):
                    tables.row(id)?.createdAt != (unsettled.first { $0.id == id }?.mark.createdAt ?? -1)
                }
            guard isSo else { return false }
            try await server.commit(Change { $0.leader.stoppedReason = travel.reason }, in: backend.incarnation)
            server.trace("stop: \(travel.reason)")
            server.judge.stopped()
            return true
        }
    }

    // MARK: - Taking over

    func tryLock() async throws -> Bool {
        let server = server
        return try await link.run(limit: limit) { backend in
            if server.leader == nil { server.leader = backend }
            return server.leader === backend
        }
    }

    /// Ends the sessions of former leaders.
    ///
    /// - Returns: whether they are gone.
    func endPredecessors() async throws -> Bool {
        let server = server
        return try await link.run(limit: limit) { backend in
            let lingering = server.recordedBackends(but: backend)
            for other in lingering { server.terminate(other) }
            return lingering.isEmpty
        }
    }

    /// - Returns: nil where one of the recorded sessions is alive, or a stop stands.
    func raiseEpoch() async throws -> Succession? {
        let server = server
        return try await link.run(limit: limit) { backend in
            let record = server.tables.leader
            guard record.stoppedReason == nil, server.recordedBackends(but: backend).isEmpty else { return nil }
            let previous = record.sessions.first { $0.role == .leader && $0.epoch == record.epoch }
            return Succession(
                epoch: record.epoch + 1, previousEpoch: record.epoch,
                previousLeader: previous.map {
                    SessionMark(pid: Int64($0.pid), backendStart: "\($0.incarnation)")
                }, serverIsNew: record.server.map { $0 != server.mark } ?? (server.timeline > 1))
        }
    }

    func commitEpoch(_ succession: Succession) async throws {
        let server = server
        try await link.run(limit: limit) { backend in
            let session = ServerTables.RecordedSession(
                pid: backend.pid, incarnation: backend.incarnation, epoch: succession.epoch, role: .leader)
            let change = Change { tables in
                tables.leader.epoch = succession.epoch
                tables.leader.sessions = [session]
            }
            try await server.commit(change, in: backend.incarnation, waits: false) { !backend.isAlive }
            try backend.check()
        }
        epoch = succession.epoch
    }

    func recordServer() async throws {
        let (server, epoch) = (server, epoch)
        try await link.run(limit: limit) { backend in
            let mark = server.mark
            let change = Change { tables in
                if tables.leader.epoch == epoch { tables.leader.server = mark }
            }
            try await server.commit(change, in: backend.incarnation, waits: false) { !backend.isAlive }
            try backend.check()
        }
    }

    /// Opens a further session of this leader: on the same server, and recorded before its first use.
    func openFurther(_ role: SessionRole) async throws -> Link {
        let (server, leader, epoch) = (server, link.backend, epoch)
        let further = try await Link.open(server, link.process)
        do {
            guard try await further.run({ _ in server.leader === leader }) else { throw ServerFailure.unreachable }
            let isRecorded = try await link.run(limit: limit) { backend in
                guard server.tables.leader.epoch == epoch else { return false }
                let session = ServerTables.RecordedSession(
                    pid: further.backend.pid, incarnation: further.backend.incarnation, epoch: epoch, role: role)
                let change = Change { $0.leader.sessions.append(session) }
                try await server.commit(change, in: backend.incarnation) { !backend.isAlive }
                try backend.check()
                return true
            }
            guard isRecorded else { throw ServerFailure.deposed }
            if role == .work { further.backend.patienceInTransaction = server.plan.leaderTimeout }
            if role == .stream { further.backend.patience = 5000 }
            return further
        } catch {
            further.close()
            throw error
        }
    }

    /// The stored state that leadership begins with.
    func storedState() async throws -> OpenedSessions {
        let server = server
        return try await link.run(limit: limit) { _ in
            let tables = server.tables
            let highest = tables.sinks.reduce(Int64(0)) { max($0, $1.cursor) }
            return OpenedSessions(
                sinks: tables.sinks, owed: tables.owedPortions,
                publishedAboveCursors: (tables.published.highest ?? 0) > highest,
                parkedKeys: tables.parkedKeys(of: server.plan.parkingByKey))
        }
    }

    /// A row that left and is another one now, or is missing in a way that no deletion explains.
    ///
    /// - Parameter known: what the database was when the rows were handed over.
    func changedRow(
        _ rows: [DeliveredRow], known: DatabaseHistory, closedThrough: Int64
    ) async throws -> TimeTravel? {
        guard !rows.isEmpty else { return nil }
        let server = server
        return try await link.run(limit: limit) { backend in
            var missing: [MissingRow] = []
            for row in rows.sorted(by: { $0.id < $1.id }) {
                if let stored = server.tables.row(row.id) {
                    if stored.createdAt != row.mark.createdAt { return .rowChanged(id: row.id) }
                } else if row.id > closedThrough {
                    missing.append(MissingRow(id: row.id, isCommitted: server.isKnownCommitted(row.mark.transaction)))
                }
            }
            guard !missing.isEmpty else { return nil }
            await server.think()
            try backend.check()
            return server.judge(missing, known: known)
        }
    }
}

extension SimulatedServer {
    /// What `pg_xact_status` says.
    fileprivate func isKnownCommitted(_ transaction: UInt32) -> Bool {
        plan.mutant == .statusUnasked || tables.committed.contains(transaction)
    }

    /// Gone is not gone back.
    func judge(_ missing: [MissingRow], known: DatabaseHistory) -> TimeTravel? {
        switch plan.mutant {
        case .goneIsGoneBack: missing.map(\.id).min().map { .rowChanged(id: $0) }
        case .goneIsDeleted: nil
        default: missing.timeTravel(since: known, now: history, lastValue: sequence.last)
        }
    }
}

extension SimulatedServer {
    fileprivate var sequenceHolders: Set<SequenceHolder> {
        var result = Set<SequenceHolder>()
        for (name, pid) in holders {
            if plan.mutant == .preparedOverlooked, pid == nil { continue }
            result.insert(SequenceHolder(virtualTransaction: name, pid: pid))
        }
        return result
    }

    fileprivate func recordedBackends(but own: Backend) -> [Backend] {
        backends.filter { backend in
            backend !== own
                && tables.leader.sessions.contains {
                    $0.pid == backend.pid && $0.incarnation == backend.incarnation
                }
        }
    }
}
