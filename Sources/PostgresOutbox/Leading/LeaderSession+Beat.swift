import Libpq
import RelayCore

extension LeaderSession {
    /// One look at everything that can change under a leader, or under a standby.
    ///
    /// - Throws: ``OutboxChanged`` where the outbox is no longer what this session resolved.
    package func beat() async throws -> LeaderBeat {
        let tables: [ResultTable]
        do {
            tables = try await run(outboxCheck + Self.looks(session.schema))
        } catch {
            // What is gone cannot be read either: say what it is.
            if error.kind == .server { try await checkOutbox() }
            throw error
        }
        guard tables.count == 6 else {
            throw PostgresError(.protocolViolation, "the relay's tables cannot be read")
        }
        try refuseChange(tables[1])
        return try Self.beat(tables[3], SequencePosition(tables[4]), sinks: tables[5])
    }

    private static func looks(_ schema: OutboxSchema) -> [Statement] {
        // Not prepared: which index it looks for requests in must follow what stands there.
        let leader = Statement(
            """
            SELECT l.epoch, l.stopped_reason, q.seqcache, q.seqincrement, q.seqcycle,
              EXISTS (SELECT FROM outbox_parked WHERE requested IS NOT NULL)
                OR EXISTS (SELECT FROM outbox_parked_request WHERE taken_by IS DISTINCT FROM l.epoch),
              (SELECT max(version) FROM outbox_migration)
            FROM outbox_leader AS l, pg_catalog.pg_sequence AS q WHERE q.seqrelid = \(schema.sequence.oidSQL)
            """)
        return [
            leader, Statement(SequencePosition.text(of: schema.sequence), prepares: true),
            Statement("SELECT name, generation, delivered_through FROM outbox_sink", prepares: true),
        ]
    }

    private static func beat(
        _ state: ResultTable, _ position: SequencePosition, sinks: ResultTable
    ) throws -> LeaderBeat {
        guard let row = state.rows.first, let epoch = row.int(0) else {
            throw PostgresError(.protocolViolation, "the relay's tables cannot be read")
        }
        if let reason = OutboxSchema.tooNew(migration: row.int(6) ?? 0) {
            throw OutboxChanged("\(reason); install the version of outbox-relay that created it")
        }
        var cursors: [String: LeaderBeat.StoredCursor] = [:]
        for sink in sinks.rows {
            guard let name = sink.string(0), let generation = sink.int(1), let cursor = sink.int(2) else { continue }
            cursors[name] = LeaderBeat.StoredCursor(generation: generation, cursor: cursor)
        }
        return LeaderBeat(
            epoch: epoch, stoppedReason: row.string(1), lastValue: position.drawn,
            brokenSequence: brokenSequence(cache: row.int(2), increment: row.int(3), cycles: row.bool(4)),
            sinks: cursors, parkedIsRequested: row.bool(5) ?? false)
    }

    private static func brokenSequence(cache: Int64?, increment: Int64?, cycles: Bool?) -> String? {
        if cache != 1 { return "the outbox's sequence has CACHE \(cache ?? 0); set it to CACHE 1" }
        if increment != 1 { return "the outbox's sequence has INCREMENT \(increment ?? 0); set it to INCREMENT BY 1" }
        if cycles == true { return "the outbox's sequence has CYCLE; set it to NO CYCLE" }
        return nil
    }

    /// Writes why nobody may deliver any more, if what it tells of is still so.
    ///
    /// - Parameters:
    ///   - condition: an SQL expression that repeats what was checked.
    /// - Returns: whether the stop was written, or was already.
    package func writeStop(_ reason: String, condition: Statement) async throws -> Bool {
        let reasonIndex = condition.values.count + 1
        let stop = Statement(
            """
            UPDATE outbox_leader SET stopped_reason = $\(reasonIndex), stopped_at = clock_timestamp()
              WHERE stopped_reason IS NULL AND (\(condition.text))
            """, condition.values + [.text(reason)])
        let tables = try await run(
            [stop, Statement("SELECT stopped_reason IS NOT NULL FROM outbox_leader")])
        return tables.last?.bool(0, 0) ?? false
    }

    /// Notes for `status` what changed; not waiting for a standby, since nothing rests on it.
    ///
    /// One exchange without a BEGIN is one transaction too (PostgreSQL documentation, 55.2.2.1), and where it fails it is
    /// over: no beat gets in between.
    package func note(_ status: LeaderStatus) async throws {
        var statements = [
            // SET LOCAL would warn: there is no BEGIN.
            Statement("SELECT pg_catalog.set_config('synchronous_commit', 'local', true)"),
            Statement(
                """
                UPDATE outbox_leader SET mode = $2, streaming = $3, order_hold = $4::jsonb WHERE epoch = $1
                """,
                [
                    .int(epoch), .text(status.mode), .bool(status.isStreaming),
                    status.orderHold.map(Parameter.text) ?? .null,
                ]),
        ]
        let storable = StorableText(session.connection)
        for sink in status.sinks.sorted(by: { $0.name < $1.name }) {
            statements.append(
                Statement(
                    """
                    INSERT INTO outbox_sink_state (sink, configured, state, last_error) VALUES ($1, $2, $3, $4)
                      ON CONFLICT (sink) DO UPDATE SET configured = EXCLUDED.configured, state = EXCLUDED.state,
                        last_error = EXCLUDED.last_error, changed_at = clock_timestamp()
                    """,
                    [
                        .text(sink.name), .bool(sink.isConfigured), .text(sink.state),
                        sink.lastError.map { .text(storable($0)) } ?? .null,
                    ]))
        }
        try await run(statements)
    }
}
