import Libpq

/// Looks at what must hold before a relay runs; read-only.
package struct Inspector: Sendable {
    let session: Session
    /// How long the server may take to answer one question; nil: as long as the session's own limits allow.
    let limit: Duration?

    package init(_ session: Session, limit: Duration? = nil) {
        self.session = session
        self.limit = limit
    }

    /// Everything whose failure a relay refuses to start with, in the order of a reader's interest.
    ///
    /// - Parameter purging: whether the relay is to delete what was published, which needs one privilege more.
    package func coreChecks(purging: Bool) async throws(Refusal) -> [Check] {
        let privileges = try await privilegeCheck(purging: purging)
        let table = try await tableCheck()
        let migrations = try await migrationCheck()
        var checks = [
            .passed("version"), .passed("pooler"), .passed("recovery"), privileges, try await rowSecurityCheck(), table,
            migrations, try await sequenceCheck(),
        ]
        // Without its privileges or of another shape, nothing more can be read.
        if privileges.ok && migrations.ok { checks.append(try await wentBackCheck()) }
        return checks
    }

    /// What concerns the mode that was asked for, and what an operator should know.
    package func modeChecks(streaming: Bool) async throws(Refusal) -> [Check] {
        var checks = [
            try await synchronousCommitCheck(), try await monitoringCheck(), try await encodingCheck(),
            try await triggerCheck(),
        ]
        guard streaming else {
            // Poll mode needs none of these.
            return checks + ["publication", "wal_level", "replication_slots"].map { .passed($0) }
        }
        checks += [try await publicationCheck(), try await walLevelCheck(), try await slotCheck()]
        return checks
    }

    /// The rows of a statement, with the session's errors made refusals.
    func rows(_ text: SQLText, _ parameters: [Parameter] = []) async throws(Refusal) -> [ResultTable.Row] {
        do {
            return try await session.connection.query(text, parameters, timeout: limit).rows
        } catch {
            // A lock, or the answer itself, did not come in time (PostgreSQL documentation, appendix A).
            let isLate =
                error.kind == .timeout && !error.connectionIsLost || ["55P03", "57014"].contains(error.sqlState)
            guard let limit, isLate else { throw Refusal(error) }
            throw Refusal(
                .unreachable, check: "locks", problem: "the server did not answer a question within \(limit)",
                remedy: "see outbox-relay status for who has the outbox's tables locked, then try again")
        }
    }
}

extension Inspector {
    /// All that `doctor` looks at, in the order in which it is shown: what a relay refuses to start with, what its mode
    /// needs, and, where its tables can be read, what it depends on besides.
    ///
    /// - Throws: where the session was lost, or the server does not answer about what is looked at first.
    package func doctorChecks(_ needs: RelayNeeds) async throws(Refusal) -> [Check] {
        // Whatever is asked below, it must not change anything.
        _ = try await rows("SET default_transaction_read_only = on")
        var checks = try await coreChecks(purging: needs.purges)
        let isReadable = checks.allSatisfy { $0.ok || !["privileges", "table", "migrations"].contains($0.name) }
        checks += try await modeChecks(streaming: needs.isStreaming)
        if isReadable { checks += try await conditionChecks(needs) }
        return checks
    }

    /// What does not keep a relay from starting, and lets it lose ground in time.
    package func conditionChecks(_ needs: RelayNeeds) async throws(Refusal) -> [Check] {
        var checks: [Check] = []
        checks += try await alone("sequence_room") { () async throws(Refusal) in [try await sequenceRoomCheck()] }
        checks += try await alone("autovacuum") { () async throws(Refusal) in [try await autovacuumCheck()] }
        checks += try await alone("bloat") { () async throws(Refusal) in [try await bloatCheck()] }
        checks += try await alone("vacuum_horizon") { () async throws(Refusal) in [try await vacuumHorizonCheck()] }
        checks += try await alone("server_wal") { () async throws(Refusal) in [try await serverWALCheck()] }
        checks += try await alone("wal_size") { () async throws(Refusal) in [try await walSizeCheck()] }
        if needs.isStreaming {
            checks += try await alone("max_slot_wal_keep_size") { () async throws(Refusal) in
                [try await slotLimitCheck(maxSlotWAL: needs.maxSlotWAL)]
            }
        }
        checks += try await alone("clock") { () async throws(Refusal) in [try await clockCheck()] }
        checks += try await alone("unconfigured_sink") { () async throws(Refusal) in
            try await unconfiguredChecks(needs)
        }
        return checks
    }

    /// Where the server does not answer a question in time, that check fails by itself, and the others are looked at
    /// all the same; where this role may not ask it, it is left out.
    private func alone(
        _ name: String, _ look: () async throws(Refusal) -> [Check]
    ) async throws(Refusal) -> [Check] {
        do throws(Refusal) {
            return try await look()
        } catch {
            guard await session.connection.isUsable else { throw error }
            if error.kind == .denied { return [.notChecked(name, error.problem, remedy: error.remedy)] }
            return [
                .failed(
                    name, severity: .warning, "this could not be looked at: \(error.problem)", remedy: error.remedy)
            ]
        }
    }
}

extension Inspector {
    /// What a relay needs of the outbox's shape whenever it resolves it anew, also after it has begun.
    func shapeRefusal() async throws(Refusal) -> Refusal? {
        for check in [try await tableCheck(), try await migrationCheck()] {
            if let refusal = Refusal(check) { return refusal }
        }
        // Its settings are looked at with every beat.
        return session.schema.sequence.exists ? nil : Refusal(try await sequenceCheck())
    }
}

extension Refusal {
    /// A check that failed, unless it only warns.
    init?(_ check: Check) {
        guard let problem = check.problem, check.severity == .error else { return nil }
        self.init(
            check.name == "privileges" ? .denied : .configuration, check: check.name, problem: problem,
            remedy: check.remedy ?? "")
    }
}

/// What a relay refuses to start with, the gravest first; the rest of `doctor` it can ride out.
///
/// - Throws: where the session was lost meanwhile.
package func refusals(on session: Session, purging: Bool = false) async throws(Refusal) -> [Refusal] {
    try await Inspector(session).coreChecks(purging: purging).compactMap { Refusal($0) }
}
