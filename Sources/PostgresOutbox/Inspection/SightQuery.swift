import Libpq

/// What a running relay reads every few seconds to show how its outbox is: bounded, whatever has piled up.
package struct SightReading: Sendable, Hashable {
    /// The table's qualified name, such as `public.outbox`.
    package var outbox: String
    /// Its counts stop at ``countLimit``.
    package var status: RelayStatus
    /// Rows that wait for a registered sink that no relay is configured with, as far as the leader recorded it: by the
    /// sink's name, each count up to ``countLimit``. Empty where somebody has the tables locked.
    package var heldByUnconfigured: [String: Int64]
    /// Rows that the leader recorded to hold the order because they cannot be read.
    package var unreadableRows: Int64

    /// Where counting stops: what a reading costs follows from it, and not from what is in the tables.
    package static let countLimit: Int64 = 100_000

    package init(
        outbox: String, status: RelayStatus, heldByUnconfigured: [String: Int64] = [:], unreadableRows: Int64 = 0
    ) {
        self.outbox = outbox
        self.status = status
        self.heldByUnconfigured = heldByUnconfigured
        self.unreadableRows = unreadableRows
    }

    /// Reads it all from the database. As with ``RelayStatus`` nobody waits for it, and it waits for nobody.
    package init(reading session: Session) async throws(Refusal) {
        outbox = session.schema.table.shown
        status = try await RelayStatus(reading: session, countLimit: Self.countLimit)
        let query = StatusQuery(session, countLimit: Self.countLimit)
        heldByUnconfigured = [:]
        for row in try await query.unlessLocked(Self.heldSQL(session.schema)) ?? [] {
            if let name = row.string(0) { heldByUnconfigured[name] = row.int(1) }
        }
        unreadableRows = 0
        if status.leader != nil {
            unreadableRows = try await query.unlessLocked(Self.unreadableSQL(session.schema))?.first?.int(0) ?? 0
        }
    }

    /// Of each sink without a relay the rows of the unpublished leaf that it lacks: those above its cursor, or above what it
    /// passes. One whose start is not fixed yet lacks all of them, or none if it begins at the end.
    static func heldSQL(_ schema: OutboxSchema) -> SQLText {
        """
        SELECT s.name, (SELECT count(*) FROM (
            SELECT FROM \(schema.unpublished) AS u
            WHERE u.id > CASE WHEN s.start = 'oldest' THEN '-9223372036854775808'::bigint
                              ELSE greatest(s.delivered_through, s.pass_through) END
            LIMIT \(Int(countLimit))) AS n)
        FROM \(schema.table("outbox_sink")) AS s
        LEFT JOIN \(schema.table("outbox_sink_state")) AS c ON c.sink = s.name
        WHERE NOT s.removing AND s.start IS DISTINCT FROM 'latest' AND NOT COALESCE(c.configured, false)
        ORDER BY s.name LIMIT 1000
        """
    }

    /// The leader records what holds the order; where that is a row, it names it.
    static func unreadableSQL(_ schema: OutboxSchema) -> SQLText {
        """
        SELECT count(*) FROM \(schema.table("outbox_leader")) AS l
        WHERE (l.order_hold ->> 'unreadable')::boolean
        """
    }
}
