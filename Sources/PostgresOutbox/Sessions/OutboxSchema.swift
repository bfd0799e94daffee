import Libpq

/// Where the outbox is: the schema in which the search path found it, with everything that stands beside it.
package struct OutboxSchema: Sendable, Hashable {
    /// The number of the newest migration that this version knows.
    package static let newestMigration: Int64 = 4

    /// The schema's name as it is, without quotes.
    package let schema: String

    package init(schema: String) {
        self.schema = schema
    }

    /// The schema's name as an SQL identifier, always in quotes.
    package var quoted: String { quotedIdentifier(schema) }

    /// A name in this schema, as `"ledger".outbox_sink`.
    package func table(_ name: String) -> String { "\(quoted).\(name)" }

    /// The key of the leader's advisory lock, as an SQL expression of type bigint. It is made of the outbox's
    /// qualified name, not of its oid, so that it outlives dump and restore.
    package var leaderKeySQL: String {
        "hashtextextended(\(quotedLiteral("outbox-relay \(schema).outbox")), 0)"
    }

    /// Finds the outbox by the session's search path.
    ///
    /// - Throws: a configuration refusal where there is none.
    package static func find(on connection: Connection) async throws(Refusal) -> OutboxSchema {
        let found: [ResultTable]
        do {
            // The simple protocol, since a replication session knows no other.
            found = try await connection.execute(
                """
                SELECT n.nspname, current_setting('search_path'), current_database()
                FROM (SELECT pg_catalog.to_regclass('outbox') AS oid) AS o
                LEFT JOIN pg_catalog.pg_class AS c ON c.oid = o.oid
                LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                """)
        } catch {
            throw Refusal(error)
        }
        guard let schema = found.last?.string(0, 0) else {
            let path = found.last?.string(0, 1) ?? ""
            let database = found.last?.string(0, 2) ?? ""
            throw Refusal(
                .configuration, check: "table",
                problem: "database \"\(database)\" has no table outbox on the search path \(path)",
                mend: "run outbox-relay migrate, or give the role the search_path of the outbox's schema")
        }
        return OutboxSchema(schema: schema)
    }
}
