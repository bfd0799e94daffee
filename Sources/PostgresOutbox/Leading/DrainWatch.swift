import Libpq
import RelayCore

/// Finds out, for a standby that is to end with the backlog, whether the leader has brought everything to the sinks.
///
/// It asks on a session of its own: the answer may take as long as there are rows that wait for a sink that nobody is
/// configured with, and the standby goes on judging and trying the lock meanwhile.
actor DrainWatch {
    private let settings: PostgresSettings
    private let standby: LeaderSession
    private(set) var isDrained = false

    /// - Parameter standby: its own session.
    init(_ settings: PostgresSettings, _ standby: LeaderSession) {
        self.settings = settings
        self.standby = standby
    }

    /// Asks again and again until it is so, or the task is cancelled. What the server has against it is tried once more:
    /// the standby's own session says it, where it lasts.
    func run() async {
        while !isDrained, !Task.isCancelled {
            try? await ask()
            await settings.sleep(for: .milliseconds(250))
        }
    }

    private func ask() async throws {
        let session = try await openSession(
            settings.target, on: settings.thread, role: .read,
            timeouts: .standard(for: .read, leaderTimeout: settings.leaderTimeout), timeout: .seconds(5),
            schema: standby.session.schema)
        do {
            // On the server where the standby waits, and no other.
            while let holder = try await holder(), try await session.seesLeader(holder), !isDrained {
                isDrained = try await session.isDrained(for: settings.configuredSinks)
                try Task.checkCancellation()
                if !isDrained { await settings.sleep(for: .milliseconds(250)) }
            }
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }

    /// To its end: what is cancelled half way would leave its cancellation to the standby's next statement.
    private func holder() async throws -> Int32? {
        try await Task { [standby] in try await standby.holderOfLock() }.value
    }
}

extension Session {
    /// Whether everything that is committed has reached these sinks and is settled.
    ///
    /// Below the cursors, a row that lies in a range, or that every sink should have, is late even where no sweep has
    /// entered it yet; others may wait there for a sink that nobody is configured with.
    fileprivate func isDrained(for sinks: [String]) async throws -> Bool {
        let unpublished = schema.unpublished
        let table = try await connection.query(
            """
            SELECT CASE
              WHEN count(s.name) < cardinality($1::text[]) OR NOT bool_and(s.start IS NULL) THEN false
              WHEN EXISTS (SELECT FROM \(unpublished) WHERE id > min(s.delivered_through)) THEN false
              WHEN EXISTS (
                SELECT FROM unnest($1::text[]) AS w (sink) CROSS JOIN LATERAL (
                  SELECT FROM outbox_late AS l WHERE l.sink BETWEEN w.sink AND w.sink ORDER BY l.sink, l.id LIMIT 1) AS l
              ) THEN false
              ELSE NOT EXISTS (
                SELECT FROM (
                  SELECT id FROM \(unpublished) WHERE id <= (
                    SELECT min(CASE WHEN start IS NULL THEN delivered_through ELSE 0 END) FROM outbox_sink)
                  UNION ALL SELECT o.id FROM outbox_absent AS a CROSS JOIN LATERAL (
                    SELECT id FROM \(unpublished) WHERE id BETWEEN a.first_id AND a.last_id LIMIT 1) AS o) AS o
                WHERE NOT EXISTS (SELECT FROM outbox_late AS l WHERE l.id = o.id)) END
            FROM outbox_sink AS s WHERE s.name = ANY($1::text[])
            """, [.textArray(sinks)])
        return table.bool(0, 0) ?? false
    }
}
