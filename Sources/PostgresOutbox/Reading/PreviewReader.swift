import Libpq
import RelayCore

/// Reads what would be delivered, for somebody who only looks: on an administrator's session that cannot write and keeps
/// no transaction open.
package actor PreviewReader {
    /// Ids of each leaf that one look into gaps brings.
    private static let page = 1000

    private let connector: AdministrationConnector
    private let source: String
    private var session: Session
    private var reader: TableReader

    /// Connects.
    ///
    /// - Parameters:
    ///   - connector: how to connect, and how long to try.
    ///   - source: CloudEvents `source`.
    package init(_ connector: AdministrationConnector, source: String) async throws {
        self.connector = connector
        self.source = source
        session = try await Self.connect(connector)
        reader = TableReader(session, source: source)
    }

    private static func connect(_ connector: AdministrationConnector) async throws(Refusal) -> Session {
        let session = try await connector.connect()
        do throws(Refusal) {
            try await session.run("SET default_transaction_read_only = on")
        } catch {
            await session.close()
            throw error
        }
        return session
    }

    /// Opens another session, where this one is of no more use.
    package func reconnect() async throws {
        await session.close()
        session = try await Self.connect(connector)
        reader = TableReader(session, source: source)
    }

    package func close() async { await session.close() }

    /// Where the outbox begins and ends, at one moment: what commits between two looks would be in neither.
    package func bounds() async throws -> PreviewBounds {
        let schema = session.schema
        let ends = try await session.connection.query(
            """
            SELECT (SELECT id FROM \(schema.unpublished) ORDER BY id LIMIT 1),
              (SELECT id FROM \(schema.published) ORDER BY id DESC LIMIT 1),
              (SELECT id FROM \(schema.table) ORDER BY id DESC LIMIT 1), (SELECT id FROM \(schema.table) ORDER BY id LIMIT 1)
            """)
        return PreviewBounds(
            oldestUnpublished: ends.int(0, 0), highestPublished: ends.int(0, 1), highest: ends.int(0, 2),
            lowest: ends.int(0, 3))
    }

    /// The lowest rows above `after`, published or not, ascending: as the relay reads and encodes them.
    package func read(after: Int64, through: Int64, rows: Int, bytes: Int) async throws -> FetchedRows {
        try await reader.read(
            ReadRequest(sink: "", after: after, through: through, rows: rows, bytes: bytes, idsOnly: false))
    }

    /// Who may have drawn ids that are not visible yet, as a leader asks.
    package func scan() async throws -> SequenceScan {
        try SequenceScan(try await session.connection.run(SequenceScan.statements(session.schema.sequence)))
    }

    /// The lowest ids that are in these gaps by now, ascending, and whether they are all of them.
    package func ids(in gaps: IDRanges) async throws -> (ids: [Int64], areAll: Bool) {
        guard !gaps.isEmpty else { return ([], true) }
        // The unpublished first: a row that moves in between is found twice, and not missed.
        var found = Set<Int64>()
        var whole = Int64.max
        for leaf in [session.schema.unpublished, session.schema.published] {
            let ids = try await session.connection.query(
                """
                SELECT o.id FROM unnest($1::bigint[], $2::bigint[]) AS r (a, b) CROSS JOIN LATERAL
                  (SELECT id FROM \(leaf) WHERE id BETWEEN r.a AND r.b ORDER BY id LIMIT \(Self.page)) AS o
                ORDER BY 1 LIMIT \(Self.page)
                """, gaps.parameters, prepares: true
            ).rows.compactMap { $0.int(0) }
            found.formUnion(ids)
            if ids.count == Self.page, let last = ids.last { whole = min(whole, last) }
        }
        return (found.filter { $0 <= whole }.sorted(), whole == .max)
    }

    /// The rows of these ids that are still there, ascending, as far as they fit into `bytes`, without those that cannot
    /// be read.
    package func read(_ ids: [Int64], bytes: Int) async throws -> FetchedRows {
        try await reader.readOwed(ids, bytes: bytes)
    }
}

/// The ends of an outbox.
package struct PreviewBounds: Sendable {
    /// The lowest id that is visible and not published.
    package let oldestUnpublished: Int64?
    package let highestPublished: Int64?
    /// The highest id that is visible.
    package let highest: Int64?
    /// The lowest that is there, published or not.
    package let lowest: Int64?

    /// The id behind which what is not published begins; nil where everything is. Between the published and the
    /// lowest that is visible there may be some that are not committed yet.
    package var unpublishedAfter: Int64? {
        guard let oldestUnpublished else { return nil }
        return min(Self.place(before: oldestUnpublished), highestPublished ?? .min)
    }

    /// Where a reader stands whose next id is this one.
    package static func place(before id: Int64) -> Int64 { id > .min ? id - 1 : .min }
}
