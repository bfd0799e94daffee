import Libpq

/// Looks at what must hold before a relay runs; read-only.
package struct Inspector: Sendable {
    let session: Session

    package init(_ session: Session) {
        self.session = session
    }

    /// Everything whose failure a relay refuses to start with, in the order of a reader's interest.
    package func coreChecks() async throws(Refusal) -> [Check] {
        let privileges = try await privilegeCheck()
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

    /// The first rows of a statement, with the session's errors made refusals.
    func rows(_ text: SQLText, _ parameters: [Parameter] = []) async throws(Refusal) -> [ResultTable.Row] {
        do {
            return try await session.connection.query(text, parameters).rows
        } catch {
            throw Refusal(error)
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
package func refusals(on session: Session) async throws(Refusal) -> [Refusal] {
    try await Inspector(session).coreChecks().compactMap { Refusal($0) }
}
