import Libpq
import RelayCore

/// The outbox as an audit of a file reads it: in portions, without locks, and never a payload but its digest.
package struct AuditTable: Sendable {
    /// What a row is that the file does not hold.
    package struct Missing: Sendable, Hashable {
        package var id: Int64
        /// What the sink has to do with it, by what the table says.
        package var state: State
    }

    package enum State: Sendable, Hashable {
        /// The sink was given it.
        case given
        /// It need not have been given it yet.
        case pending
        /// The sink does not want it.
        case filtered
    }

    /// Rows of one answer.
    package static let pageSize = 10_000

    private let session: Session
    /// The sink whose file it is; nil where only what is published is known to have been delivered.
    private let sink: String?
    /// What that sink wants.
    private let filter: EventFilter

    /// - Throws: where no sink of this name is registered.
    package init(
        _ session: Session, sink: String?, filter: EventFilter = EventFilter()
    ) async throws(Refusal) {
        self.session = session
        self.sink = sink
        self.filter = filter
        guard let sink else { return }
        guard try await !rows("SELECT FROM \(table("outbox_sink")) WHERE name = $1", [.text(sink)]).isEmpty else {
            throw Refusal(
                .wrongRequest, check: "sink", problem: "sink \(sink) is not registered",
                remedy: "see outbox-relay sinks list, or leave --sink out")
        }
    }

    /// The rows of these ids.
    package func rows(of ids: [Int64]) async throws(Refusal) -> [AuditRow] {
        let text: SQLText = """
            SELECT id, created_at, published_at, xmin::text::bigint,
              pg_catalog.sha256(pg_catalog.convert_to(payload::text, 'UTF8'))
            FROM \(session.schema.table) WHERE id = ANY($1::bigint[])
            """
        return try await read(text, [.int8Array(ids)]) { AuditRow($0) }
    }

    /// The lowest ids of a range, ascending; fewer than a page at its end.
    package func ids(in range: IDRange) async throws(Refusal) -> [Int64] {
        try await rows(
            "SELECT id FROM \(session.schema.table) WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT \(Self.pageSize)",
            [.int(range.first), .int(range.last)]
        ).compactMap { $0.int(0) }
    }

    /// The lowest rows of a range, ascending, and whether the sink was given them; fewer than a page at its end.
    package func missing(in range: IDRange) async throws(Refusal) -> [Missing] {
        var parameters: [Parameter] = [.int(range.first), .int(range.last)]
        if let sink { parameters.append(.text(sink)) }
        let given: SQLText = sink == nil ? "o.published_at IS NOT NULL" : givenSQL
        let text: SQLText = """
            SELECT o.id, \(given), o.event_type, o.aggregate_type
            FROM \(session.schema.table) AS o WHERE o.id BETWEEN $1 AND $2 ORDER BY o.id LIMIT \(Self.pageSize)
            """
        return try await read(text, parameters) { [filter] row in
            guard let id = row.int(0), let isGiven = row.bool(1), let type = row.bytes(column: 2),
                let aggregate = row.bytes(column: 3)
            else { return nil }
            let isWanted = filter.passes(eventType: type, aggregateType: aggregate)
            return Missing(id: id, state: !isWanted ? .filtered : isGiven ? .given : .pending)
        }
    }

    /// What the table holds at its bottom.
    package func floor() async throws(Refusal) -> AuditFloor {
        guard let sequence = try await SequenceState(session) else {
            throw Refusal(
                .configuration, check: "sequence", problem: "outbox.id has no sequence of its own",
                remedy: "run outbox-relay doctor")
        }
        let lowest = try await rows(
            "SELECT id, published_at FROM \(session.schema.published) ORDER BY id LIMIT 1"
        ).first
        return AuditFloor(
            lowestID: lowest?.int(0), publishedAt: lowest?.string(1).flatMap(Self.microseconds),
            lastValue: sequence.issued)
    }

    /// Whether a sink was given a row: its cursor is past it, it lies in no range, and it is neither owed nor parked.
    /// What is unpublished at or below the lowest cursor has turned up late and is not noticed yet.
    ///
    /// Each question is a subquery of one row, which no plan makes a join that reads a table whole; of the ranges, which are
    /// disjoint, the last that begins at or below the row is the one that may hold it.
    private var givenSQL: SQLText {
        """
        coalesce((SELECT s.start IS NULL AND o.id <= s.delivered_through FROM \(table("outbox_sink")) AS s
                  WHERE s.name = $3), false)
          AND coalesce((SELECT false FROM \(table("outbox_parked")) AS p WHERE p.sink = $3 AND p.id = o.id), true)
          AND coalesce((SELECT l.delivered FROM \(table("outbox_late")) AS l WHERE l.sink = $3 AND l.id = o.id), true)
          AND (o.published_at IS NOT NULL
               OR o.id > (SELECT min(CASE WHEN s.start IS NULL THEN s.delivered_through ELSE 0 END)
                          FROM \(table("outbox_sink")) AS s)
                  AND coalesce((SELECT a.last_id < o.id FROM \(table("outbox_absent")) AS a
                                WHERE a.first_id <= o.id ORDER BY a.first_id DESC LIMIT 1), true))
        """
    }

    private func table(_ name: SQLText) -> SQLText { session.schema.table(name) }

    /// What every row of a statement makes.
    private func read<Value: Sendable>(
        _ text: SQLText, _ parameters: [Parameter], _ make: @Sendable (RowView) -> Value?
    ) async throws(Refusal) -> [Value] {
        do {
            return try await session.connection.rows(text, parameters, into: [Value]()) { values, row in
                guard let value = make(row) else {
                    throw PostgresError(.protocolViolation, "a row of the outbox cannot be read")
                }
                values.append(value)
            }
        } catch let error as PostgresError {
            throw Refusal(error)
        } catch {
            throw Refusal(.unexpected, check: "table", problem: "the outbox cannot be read", remedy: "")
        }
    }

    private func rows(_ text: SQLText, _ parameters: [Parameter] = []) async throws(Refusal) -> [ResultTable.Row] {
        try await Inspector(session).rows(text, parameters)
    }

    private static func microseconds(_ text: String) -> Int64? {
        Array(text.utf8).withUnsafeBytes { EventTime($0)?.microseconds }
    }
}

extension AuditRow {
    /// Of `id, created_at, published_at, xmin, sha256`.
    fileprivate init?(_ row: RowView) {
        guard let id = row.int(0), let created = row.bytes(column: 1).flatMap({ EventTime($0) }),
            let transaction = row.int(3), let digest = row.bytes(column: 4).flatMap(PayloadDigest.init(hexadecimal:))
        else { return nil }
        self.init(
            id: id, createdAt: created.microseconds,
            publishedAt: row.bytes(column: 2).flatMap { EventTime($0)?.microseconds }, transaction: transaction,
            payload: digest)
    }
}

extension PayloadDigest {
    /// Of `bytea` in hexadecimal: `\x` and 64 lower-case digits (PostgreSQL documentation, 8.4.1).
    fileprivate init?(hexadecimal text: UnsafeRawBufferPointer) {
        guard text.count == 66 else { return nil }
        self.init(
            stride(from: 2, to: 66, by: 2).map { Self.value(text[$0]) << 4 | Self.value(text[$0 + 1]) })
    }

    private static func value(_ digit: UInt8) -> UInt8 {
        digit < UInt8(ascii: "a") ? digit & 0x0F : digit &- UInt8(ascii: "a") &+ 10 & 0x0F
    }
}
