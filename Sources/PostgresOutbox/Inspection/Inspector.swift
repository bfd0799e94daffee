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
        var checks = [try await synchronousCommitCheck(), try await monitoringCheck()]
        guard streaming else {
            // Poll mode needs none of these.
            return checks + ["publication", "wal_level", "replication_slots"].map { .passed($0) }
        }
        checks += [try await publicationCheck(), try await walLevelCheck(), try await slotCheck()]
        return checks
    }

    /// The first rows of a statement, with the session's errors made refusals.
    func rows(_ sql: String, _ parameters: [Parameter] = []) async throws(Refusal) -> [ResultTable.Row] {
        do {
            return try await session.connection.query(sql, parameters).rows
        } catch {
            throw Refusal(error)
        }
    }
}

/// What a relay refuses to start with, the gravest first; the rest of `doctor` it can ride out.
///
/// - Throws: where the session was lost meanwhile.
package func refusals(on session: Session) async throws(Refusal) -> [Refusal] {
    try await Inspector(session).coreChecks().compactMap { check in
        guard let problem = check.problem, check.severity == .error else { return nil }
        let kind: Refusal.Kind = check.name == "privileges" ? .denied : .configuration
        return Refusal(kind, check: check.name, problem: problem, mend: check.mend ?? "")
    }
}
