import RelayTestKit
import Testing

/// How much a database has behind it, in rows of each table that grows.
struct LongHistory: Sendable, CustomTestStringConvertible {
    /// Rows of the published leaf; a tenth of their ids was rolled back. The lowest are old enough to be purged.
    var published: Int64
    /// Ranges of absent ids, between a sink that is dead and one that is well.
    var ranges: Int64
    /// Rows that are owed to the dead sink, and as many parked events of it, half of them of one key.
    var owed: Int64
    var upkeep: Upkeep

    /// What was done for the tables since the rows came.
    enum Upkeep: CaseIterable {
        case none
        /// Statistics alone: what lies in an index must still be looked up in the table, which makes other indexes cheap.
        case analysed
        case vacuumed
    }

    var testDescription: String {
        "\(published) published, \(ranges) ranges, \(owed) owed, upkeep \(upkeep)"
    }

    /// A database of a cluster whose autovacuum is off, or its statistics would come by themselves.
    func database(in cluster: PrivateCluster) async throws -> TestDatabase {
        let database = try await cluster.database()
        let middle = published / 2
        // Straight into the leaves, in transactions of their own, so that nothing large is undone.
        try await database.execute(
            """
            INSERT INTO outbox_published (id, aggregate_type, aggregate_id, event_type, payload, published_at)
              OVERRIDING SYSTEM VALUE
              SELECT n, 't', 'k' || n % 100, 't.x', '{}', now() - CASE WHEN n <= 20000 THEN interval '2 days' ELSE '0' END
              FROM generate_series(1, \(published)) AS n WHERE n % 10 <> 0
            """)
        try await database.execute(
            """
            INSERT INTO outbox_absent SELECT n, n
              FROM generate_series(\(middle + 10) / 10 * 10, \(published) - 10, 10) AS n LIMIT \(ranges)
            """)
        try await database.execute(
            """
            INSERT INTO outbox_unpublished (id, aggregate_type, aggregate_id, event_type, payload)
              OVERRIDING SYSTEM VALUE SELECT 10 * n, 't', 'k' || n % 100, 't.late', '{}' FROM generate_series(1, \(owed)) AS n
            """)
        try await database.execute(
            """
            INSERT INTO outbox_late (sink, id) SELECT 'dead', 10 * n FROM generate_series(1, \(owed)) AS n;
            INSERT INTO outbox_parked (sink, id, aggregate_type, aggregate_id, event_type, payload, headers, created_at,
                reason, behind)
              SELECT 'dead', n, 't', CASE WHEN n % 2 = 0 THEN 'busy' ELSE 'k' || n END, 't.x', '{}', '{}', now(), 'no',
                CASE WHEN n % 2 = 0 AND n > 2 THEN 2 END
              FROM generate_series(1, \(owed)) AS n;
            INSERT INTO outbox_sink (name, delivered_through, earned, start)
              VALUES ('dead', \(middle), true, NULL), ('stdout', \(published) - 1, true, NULL);
            SELECT setval('outbox_id_seq', \(published))
            """)
        switch upkeep {
        case .none: break
        case .analysed: try await database.execute("ANALYZE")
        case .vacuumed: try await database.execute("VACUUM ANALYZE")
        }
        return database
    }
}
