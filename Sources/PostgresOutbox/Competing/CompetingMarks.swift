import Libpq
import RelayCore

/// Marks rows that are locked in the transaction that is open, and parks others: as many as can be, each on its own where
/// it must be.
struct CompetingMarks {
    let moves: RowMoves
    private var schema: OutboxSchema { moves.schema }

    /// Moves rows to the published leaf.
    ///
    /// - Throws: what the statement is at fault for itself.
    func mark(_ ids: [Int64]) async throws -> [RowFault] { try await moves.move(ids) }

    /// Parks rows and moves them to the published leaf: never one without the other.
    func park(_ parkings: [Parking], sink: String) async throws -> [RowFault] {
        let byID = Dictionary(parkings.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        do {
            let found = try await RowNarrowing(of: byID.keys.sorted(), mayGoOn: moves.mayGoOn) { part in
                try await moves.attempt(
                    part, before: ParkedWrites.park([sink: part.compactMap { byID[$0] }], in: schema),
                    onlyWhere: "AND EXISTS (SELECT FROM outbox_parked AS p WHERE p.sink = $2 AND p.id = o.id)",
                    [.text(sink)])
            }
            return moves.faults(found, .park)
        } catch let error as PostgresError where error.kind == .server && !error.connectionIsLost {
            // What was delivered is marked nevertheless; these are rejected again later.
            return byID.keys.sorted().map { RowFault(id: $0, work: .park, reason: error.message) }
        }
    }
}
