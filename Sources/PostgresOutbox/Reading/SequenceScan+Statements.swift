import Libpq
import RelayCore

extension SequenceScan {
    /// The sequence's last value, then those who hold its lock: two statements, in this order, each with a snapshot of its
    /// own.
    static func statements(_ sequence: OutboxRelation) -> [Statement] {
        [
            Statement(SequencePosition.text(of: sequence), prepares: true),
            Statement(
                """
                SELECT virtualtransaction, pid FROM pg_catalog.pg_locks
                WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND granted
                  AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                  AND relation = \(sequence.oidSQL)
                """, prepares: true),
        ]
    }

    /// What the two statements brought.
    init(_ tables: [ResultTable]) throws(PostgresError) {
        let position = try SequencePosition(tables.first)
        let holders = (tables.last?.rows ?? []).compactMap { row in
            row.string(0).map { SequenceHolder(virtualTransaction: $0, pid: row.int(1).flatMap(Int32.init(exactly:))) }
        }
        self.init(lastValue: position.drawn, holders: Set(holders))
    }
}
