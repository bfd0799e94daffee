import Libpq
import RelayCore

/// A leader's sessions: its own, the working one, and those that are opened on demand.
package actor PostgresTenure: LeaderTenure {
    package nonisolated let epoch: Int64
    package nonisolated let opened: OpenedSessions
    let leader: LeaderSession
    let settings: PostgresSettings
    private let work: WorkSession
    private var readers: [TableReader] = []
    private var idleReaders: [TableReader] = []
    /// Why the last stream was cut off, where this relay did it.
    var givenUp: GivenUpStream?

    init(
        leader: LeaderSession, work: WorkSession, settings: PostgresSettings, epoch: Int64, opened: OpenedSessions
    ) {
        self.leader = leader
        self.work = work
        self.settings = settings
        self.epoch = epoch
        self.opened = opened
    }

    package func close() async {
        // Whatever waits on the server is cut off: the successor's clean-up would do the same.
        for reader in readers { reader.abandon() }
        work.abandon()
        await leader.close()
        for reader in readers { await reader.close() }
        await work.close()
        readers = []
        idleReaders = []
    }

    package nonisolated func isLoss(_ error: any Error) -> Bool {
        switch error {
        case is Deposed, is OutboxChanged: true
        case let error as PostgresError: error.connectionIsLost || error.kind == .connection || error.kind == .closed
        default: false
        }
    }

    // MARK: - Leader session

    package func beat() async throws -> LeaderBeat { try await leader.beat() }
    package func scan() async throws -> SequenceScan { try await leader.scan() }
    package func note(_ status: LeaderStatus) async throws { try await leader.note(status) }

    package func describe(_ cause: OrderHold.Cause) async throws -> HolderDescription? {
        switch cause {
        case .transaction(let holder): try await leader.describe(holder)
        case .lockedRow(let id): try await leader.describeLock(ofRow: id)
        case .aboveSequence, .unreadableRow, .unknown: nil
        }
    }

    package func waits() async throws -> [TenureWait] {
        try await leader.waits().map { wait in
            TenureWait(
                sentence: wait.sentence, milliseconds: Int64(wait.seconds * 1000), isCommit: wait.isSynchronousCommit)
        }
    }

    package func writeStop(_ travel: TimeTravel) async throws -> Bool {
        try await leader.writeStop(travel.reason, condition: travel.condition([], leader.session.schema))
    }

    // MARK: - Work session

    package func claim(_ request: ClaimRequest) async throws -> FetchedClaim { try await work.claim(request) }

    package func endClaim() async throws { try await work.endClaim() }
    package func look(_ gaps: IDRanges) async throws -> LookedRows { try await work.look(gaps) }
    package func sweep(_ request: SweepRequest, memory: ProcessMemory) async throws -> SweptState {
        try await work.sweep(request, memory: memory)
    }

    package func settle(_ lanes: [LaneProgress], inClaim: Bool) async throws -> SettledState {
        try await work.settle(lanes, inClaim: inClaim)
    }

    package func fixStarts(closedThrough: Int64, firstScanIsOver: Bool) async throws -> [SinkRegistration] {
        try await work.fixStarts(closedThrough: closedThrough, firstScanIsOver: firstScanIsOver)
    }

    // MARK: - Reading sessions

    package func readTail(_ request: TailRequest) async throws -> FetchedTail {
        try await withReader { try await $0.readTail(request) }
    }

    package func read(_ request: ReadRequest) async throws -> FetchedRows {
        try await withReader { try await $0.read(request) }
    }

    package func readLate(_ ids: [Int64]) async throws -> FetchedRows {
        let bytes = settings.memory / 8
        return try await withReader { try await $0.readLate(ids, bytes: bytes) }
    }

    package func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows {
        let bytes = settings.memory / 8
        return try await withReader { try await $0.readParked(sink, ids, bytes: bytes) }
    }

    private func withReader<Value: Sendable>(
        _ body: @Sendable (TableReader) async throws -> Value
    ) async throws -> Value {
        let reader: TableReader
        if let idle = idleReaders.popLast() {
            reader = idle
        } else {
            reader = TableReader(try await leader.openFurther(.read, settings), source: settings.source)
            readers.append(reader)
        }
        do {
            let value = try await body(reader)
            idleReaders.append(reader)
            return value
        } catch {
            // A session that is well is kept: each new one costs a backend and a record.
            guard isLoss(error) || error is CancellationError || !(error is PostgresError) else {
                idleReaders.append(reader)
                throw error
            }
            readers.removeAll { $0 === reader }
            await reader.close()
            throw error
        }
    }
}

extension LeaderSession {
    /// Opens a further session of this leader: on the same server, and recorded before its first use.
    func openFurther(_ role: SessionRole, _ settings: PostgresSettings) async throws -> Session {
        let further = try await openSession(
            settings.target, on: settings.thread, role: role,
            timeouts: .standard(for: role, leaderTimeout: settings.leaderTimeout), timeout: .seconds(5),
            schema: session.schema)
        do {
            guard try await further.seesLeader(session.backendPID) else {
                throw PostgresError(
                    .connection,
                    "a further session reached another server than the leader's; all hosts must lead to one")
            }
            guard try await record(further, role: role) else { throw Deposed() }
            return further
        } catch {
            await further.connection.close()
            throw error
        }
    }

    /// A row that left and is another one now, or is missing in a way that no deletion explains.
    ///
    /// - Parameters:
    ///   - known: what the database was when the rows were handed over.
    ///   - settledThrough: the lowest cursor: what a leader since has settled may have been purged.
    func changedRow(
        _ rows: [DeliveredRow], known: DatabaseHistory?, settledThrough: Int64
    ) async throws -> TimeTravel? {
        guard !rows.isEmpty else { return nil }
        let table = try await query(HistoryQuery.changedRows(session.schema), HistoryQuery.parameters(rows))
        var missing: [MissingRow] = []
        for row in table.rows {
            guard let id = row.int(0) else { continue }
            guard row.bool(1) == true else { return .rowChanged(id: id) }
            if id > settledThrough { missing.append(MissingRow(id: id, isCommitted: row.bool(2) ?? false)) }
        }
        guard let first = missing.first else { return nil }
        guard let known else { return .rowChanged(id: first.id) }
        // After the rows: what was cut before they were looked for shows.
        let (now, lastValue) = try HistoryQuery.history(
            try await query(HistoryQuery.sql(session.schema)), session.schema)
        return missing.judge(known: known, now: now, lastValue: lastValue)
    }
}

extension TimeTravel {
    /// What was judged, once more, as an SQL expression.
    func condition(_ unsettled: [DeliveredRow], _ schema: OutboxSchema) -> String {
        switch self {
        case .sequenceBehind(_, let handed):
            "(SELECT last_value < \(handed.sql) OR (last_value = \(handed.sql) AND NOT is_called) FROM \(schema.sequence))"
        case .cursorBehind(let sink, let generation, _, let acknowledged):
            "EXISTS (SELECT FROM outbox_sink WHERE name = \(quotedLiteral(sink)) AND generation = \(generation)"
                + " AND delivered_through < \(acknowledged.sql))"
        case .rowChanged(let id):
            "NOT EXISTS (SELECT FROM \(schema.table) WHERE id = \(id.sql) AND \(microsecondsSQL("created_at"))"
                + " = \((unsettled.first { $0.id == id }?.mark.createdAt ?? -1).sql))"
        }
    }
}

extension Session {
    /// Says in `pg_stat_activity` what the session has become.
    func rename(_ role: SessionRole, _ target: ConnectionTarget) async throws {
        let name = target.named(for: role)["application_name"] ?? ""
        try await connection.execute("SET application_name = \(quotedLiteral(name))")
    }
}
