import Libpq
import RelayCore

/// What leadership begins with, read on the work session: how long it takes follows what is in the tables, while the
/// leader session beats.
struct OpeningState: Sendable {
    var sinks: [SinkRegistration]
    var owed: [String: OwedPortion]
    /// Whether a row above every cursor is marked published already.
    var publishedAbove: Bool

    /// - Throws: ``Deposed`` where the epoch is not `epoch`.
    static func read(_ session: Session, epoch: Int64) async throws -> OpeningState {
        let connection = session.connection
        do {
            let stored = try await StoredState.read(connection, epoch: epoch, begins: true)
            let highest = stored.sinks.map(\.cursor).max() ?? 0
            let owed =
                stored.hasOwed ? try await OwedRows.portions(of: stored.sinks.map(\.name), connection) : [:]
            // A value, not a subquery: one look into the index, however many rows are published.
            let above = Statement(
                "SELECT EXISTS (SELECT FROM \(session.schema.published) WHERE id > $1)", [.int(highest)])
            let publishedAbove = try await connection.run([above, .commit]).first?.bool(0, 0)
            return OpeningState(sinks: stored.sinks, owed: owed, publishedAbove: publishedAbove ?? false)
        } catch {
            try await connection.rollBack()
            throw error
        }
    }
}
