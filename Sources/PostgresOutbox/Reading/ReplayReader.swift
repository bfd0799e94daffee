import Libpq
import RelayCore

/// Reads for a replay, on an administrator's session that opens again where it was lost.
///
/// Each portion is one statement: no transaction is open while a sink answers.
package actor ReplayReader: ReplaySource {
    /// A portion that costs so many sessions will cost the next one too.
    private static let lossLimit = 5

    private let connector: AdministrationConnector
    private let source: String
    private var session: Session
    private var reader: TableReader

    /// The outbox's position now.
    package nonisolated let outbox: OutboxPosition
    /// The highest id that is committed; `nil` where there is none.
    package nonisolated let highest: Int64?
    /// The lowest that is there; what was below it was purged, or never committed.
    package nonisolated let lowest: Int64?

    /// Connects, and asks for the outbox's position.
    ///
    /// - Parameters:
    ///   - connector: how to connect, and how long to try.
    ///   - source: CloudEvents `source`.
    package init(_ connector: AdministrationConnector, source: String) async throws {
        self.connector = connector
        self.source = source
        session = try await connector.connect()
        reader = TableReader(session, source: source)
        // The events that are there, and only then what was drawn: none of them can have been drawn later.
        highest = try await session.connection.query("SELECT max(id) FROM \(session.schema.table)").int(0, 0)
        lowest = try await session.connection.query(
            "SELECT id FROM \(session.schema.table) ORDER BY id LIMIT 1"
        ).int(0, 0)
        outbox = OutboxPosition(
            lastValue: try await SequencePosition.read(session.schema.sequence, on: session.connection).drawn)
    }

    /// The lowest rows above `request.after`, published or not, ascending.
    package func read(_ request: ReadRequest) async throws -> FetchedRows {
        for _ in 1..<Self.lossLimit {
            if let rows = try await readUnlessLost(request) { return rows }
            try await reconnect()
        }
        return try await reader.read(request)
    }

    /// Nil where the session was lost, and another may do.
    private func readUnlessLost(_ request: ReadRequest) async throws -> FetchedRows? {
        do {
            return try await reader.read(request)
        } catch {
            guard let error = error as? PostgresError, error.connectionIsLost, error.canRetry else { throw error }
            return nil
        }
    }

    private func reconnect() async throws {
        await session.close()
        session = try await connector.connect()
        reader = TableReader(session, source: source)
    }

    package func close() async { await session.close() }
}
