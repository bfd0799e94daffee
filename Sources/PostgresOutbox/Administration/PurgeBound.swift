import Libpq

/// Up to which id published rows may go: nothing above the lowest cursor of all registered sinks.
///
/// - *A removing sink* counts with its cursor, as it does for publishing: it still walks over what lies above, and what it
///   found missing there would become ranges.
/// - *A sink that passes rows* (`pass_through`) counts with its cursor as well, and not with the place that it goes to.
/// - *A sink whose start is not fixed yet* lacks everything, whatever it says: nothing may go. Where it is to begin, the
///   leader finds by the rows that are there.
/// - *Ranges of absent ids* need no look: they lie above the lowest cursor (decision 13).
/// - *Without a registered sink* (`--order none` registers none, and the last one may have been removed) nobody is owed
///   anything that is published.
struct PurgeBound: Sendable, Hashable {
    /// The sink that bounds it; nil where none is registered.
    let sink: String?
    /// Rows up to here may go; nil: none may.
    let through: Int64?
    /// The database went back: what is in the table may be needed to find out what was sent.
    let stoppedReason: String?

    /// One row, of the sink that lacks most.
    static func statement(_ schema: OutboxSchema) -> Statement {
        Statement(
            """
            SELECT l.stopped_reason, s.name, s.start IS NULL, s.delivered_through
            FROM \(schema.table("outbox_leader")) AS l LEFT JOIN \(schema.table("outbox_sink")) AS s ON true
            ORDER BY s.start IS NULL, s.delivered_through, s.name LIMIT 1
            """)
    }

    /// - Parameter table: the answer to ``statement(_:)``.
    init(_ table: ResultTable?) throws(PostgresError) {
        guard let row = table?.rows.first else {
            throw PostgresError(.protocolViolation, "the relay's tables cannot be read; run outbox-relay migrate")
        }
        stoppedReason = row.string(0)
        sink = row.string(1)
        if sink == nil {
            through = .max
        } else {
            through = row.bool(2) == true ? row.int(3) : nil
        }
    }

    /// - Throws: also where the relay has stopped because the database went back.
    static func read(_ session: Session) async throws(Refusal) -> PurgeBound {
        let bound: PurgeBound
        do throws(PostgresError) {
            bound = try PurgeBound(try await session.connection.run([statement(session.schema)]).first)
        } catch {
            throw Refusal(error)
        }
        guard let reason = bound.stoppedReason else { return bound }
        throw Refusal(
            .configuration, check: "went_back", problem: "the relay stopped, so nothing is purged: \(reason)",
            remedy: "fix the cause, then run outbox-relay resume")
    }

    /// Which of these ids may go.
    ///
    /// - Parameter ids: ascending.
    func allowed(_ ids: [Int64]) -> [Int64] {
        guard stoppedReason == nil, let through else { return [] }
        return Array(ids.prefix { $0 <= through })
    }
}
