import DedicatedThreads
import Libpq
import RelayCore

extension PostgresLeaderSessions {
    /// Runs the stream until it ends: publication, temporary slot, rows.
    package func stream(_ report: @escaping @Sendable (StreamReport) async -> Void) async {
        if case .slot(_, let blocker?) = givenUp { await waitForBlocker(blocker) }
        givenUp = nil
        do {
            let session = try await leader.openFurther(.stream, settings)
            let reason = await withTaskCancellationHandler {
                await run(session, report)
            } onCancel: {
                session.connection.abandon()
            }
            session.connection.abandon()
            await session.connection.close()
            await report(.ended(reason: reason))
        } catch {
            await report(.ended(reason: streamReason(error)))
        }
    }

    private func run(_ session: Session, _ report: @escaping @Sendable (StreamReport) async -> Void) async -> String {
        let slot = "outbox_relay_\(session.backendPID)"
        do {
            try await Publication(session.schema).ensure(on: session.connection)
            let watch = Task(executorPreference: settings.thread?.tasks) {
                await self.watch(slot, session.connection)
            }
            defer { watch.cancel() }
            // Waits for every running transaction; the watch ends that where it would hold too much WAL.
            try await session.connection.execute(
                "CREATE_REPLICATION_SLOT \(SQLText(name: slot)) TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT")
            try await session.connection.startCopyBoth(
                """
                START_REPLICATION SLOT \(SQLText(name: slot)) LOGICAL 0/0 \
                (proto_version '1', publication_names \(SQLText(constant: Publication.name)))
                """, wakingFrom: StreamReader.leastBytes)
            await report(.standing)
            try await StreamReader(session).run(report)
            return "the server ended the stream"
        } catch {
            return givenUp?.reason ?? streamReason(error)
        }
    }

    private func streamReason(_ error: any Error) -> String {
        switch error {
        case let refusal as Refusal: refusal.message
        case let error as PostgresError: error.message
        default: String(describing: error)
        }
    }

    // MARK: - What the server does not say

    /// Watches the WAL that the slot holds, and the publication; beyond the bound, or without it, the stream is cut off.
    private func watch(_ slot: String, _ connection: Connection) async {
        while !Task.isCancelled {
            await settings.sleep(for: .milliseconds(500))
            guard let (retained, problem) = try? await leader.check(slot: slot) else { continue }
            if !problem.isEmpty {
                givenUp = .publication(problem)
            } else if let retained, retained > Int64(settings.maxSlotWAL) {
                givenUp = .slot(retained: retained, beside: (try? await leader.oldestTransaction()) ?? nil)
            } else {
                continue
            }
            return connection.abandon()
        }
    }

    /// The slot was given up: waits until the transaction behind it is gone, since a new one would wait for it too.
    private func waitForBlocker(_ blocker: SlotBlocker) async {
        while !Task.isCancelled, (try? await leader.isRunning(blocker)) ?? false {
            await settings.sleep(for: .milliseconds(500))
        }
    }
}

/// Why a stream was cut off that the server would have gone on with.
enum GivenUpStream: Sendable {
    /// The slot held more WAL than it may.
    case slot(retained: Int64, beside: SlotBlocker?)
    /// The publication is gone, or is another one. Up to PostgreSQL 17 the server ends the stream where it is missing;
    /// from 18 on it leaves rows out.
    case publication(String)

    var reason: String {
        switch self {
        case .slot(let retained, let blocker):
            let who = blocker.map { "the transaction of \($0.name)" } ?? "an open transaction"
            return
                "the slot retained \(retained) bytes of WAL because of \(who), more than --max-slot-wal"
                + " allows; end that transaction"
        case .publication(let problem):
            return "the publication \(Publication.name) \(problem); \(Publication.remedy)"
        }
    }
}

extension LeaderSession {
    /// The bytes of WAL that the slot keeps from being removed, and what is wrong with the publication.
    func check(slot: String) async throws -> (retained: Int64?, problem: String) {
        let row = try await query(
            """
            SELECT (SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), restart_lsn)::bigint
                FROM pg_catalog.pg_replication_slots WHERE slot_name = $1),
              \(Publication(session.schema).problemSQL(serverVersion: session.connection.info.serverVersion))
            """, [.text(slot)]
        ).rows.first
        return (row?.int(0), row?.string(1) ?? "")
    }

    /// The oldest transaction that has written something: what a slot waits for.
    func oldestTransaction() async throws -> SlotBlocker? {
        let row = try await query(
            """
            SELECT xid, name FROM (
              SELECT transaction::text AS xid, pg_catalog.age(transaction) AS age, 'gid ' || gid AS name
                FROM pg_catalog.pg_prepared_xacts
              UNION ALL
              SELECT backend_xid::text, pg_catalog.age(backend_xid), 'pid ' || pid || ' (' || application_name || ')'
                FROM pg_catalog.pg_stat_activity WHERE backend_xid IS NOT NULL
            ) AS t ORDER BY age DESC LIMIT 1
            """)
        guard let xid = row.rows.first?.string(0), let name = row.rows.first?.string(1) else { return nil }
        return SlotBlocker(transaction: xid, name: name)
    }

    func isRunning(_ blocker: SlotBlocker) async throws -> Bool {
        try await query(
            """
            SELECT EXISTS (SELECT FROM pg_catalog.pg_prepared_xacts WHERE transaction::text = $1)
              OR EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE backend_xid::text = $1)
            """, [.text(blocker.transaction)]
        ).bool(0, 0) ?? false
    }
}

/// A transaction beside which a slot retains WAL.
struct SlotBlocker: Hashable, Sendable {
    var transaction: String
    var name: String
}
