import Libpq
import RelayCore

/// What is asked of a snapshot before rows are looked for: what it shows, a later one shows as well.
struct SnapshotQuestion: Sendable {
    /// 32-bit ids, as the stream names them.
    var transactions: [UInt32]
    var wantsEdges: Bool

    /// Of the transactions those that are visible, and the snapshot's edges; nothing is asked where nobody wants to know.
    func ask(on connection: Connection) async throws -> (visible: [UInt32], edges: SnapshotEdges?) {
        guard wantsEdges || !transactions.isEmpty else { return ([], nil) }
        let table = try await connection.query(
            """
            WITH now AS (SELECT pg_catalog.pg_current_snapshot() AS snapshot),
              edge AS (SELECT snapshot, pg_catalog.pg_snapshot_xmin(snapshot)::text AS xmin,
                pg_catalog.pg_snapshot_xmax(snapshot)::text AS xmax FROM now)
            SELECT x, \(WideTransaction.visible("x", xmax: "xmax", in: "snapshot")), xmin, xmax
            FROM edge LEFT JOIN unnest($1::bigint[]) AS x ON true
            """, [.int8Array(transactions.map(Int64.init))], prepares: true)
        var visible: [UInt32] = []
        for row in table.rows where row.bool(1) == true {
            if let transaction = row.int(0).flatMap(UInt32.init(exactly:)) { visible.append(transaction) }
        }
        let first = table.rows.first
        guard let xmin = first?.string(2).flatMap(UInt64.init), let xmax = first?.string(3).flatMap(UInt64.init) else {
            return (visible, nil)
        }
        return (visible, SnapshotEdges(xmin: xmin, xmax: xmax))
    }
}

/// A 32-bit transaction id widened to the nearest 64-bit id that ends in it.
enum WideTransaction {
    /// - Parameters:
    ///   - narrow: an expression of a 32-bit id as a bigint.
    ///   - xmax: an expression of a snapshot's upper edge, as text.
    static func sql(_ narrow: SQLText, xmax: SQLText) -> SQLText {
        "(\(narrow) + 4294967296 * greatest(round((\(xmax)::numeric - \(narrow)) / 4294967296), 0))::bigint::text::xid8"
    }

    static func visible(_ narrow: SQLText, xmax: SQLText, in snapshot: SQLText) -> SQLText {
        "pg_catalog.pg_visible_in_snapshot(\(sql(narrow, xmax: xmax)), \(snapshot))"
    }
}
