import Libpq

/// The publication that the stream is made of: the ids of what is inserted into the unpublished leaf, and nothing else.
struct Publication: Sendable {
    static let name = "outbox_relay"
    static let remedy = "run outbox-relay migrate as the table's owner"

    private let schema: OutboxSchema

    init(_ schema: OutboxSchema) {
        self.schema = schema
    }

    /// Why the publication is not what the stream needs, as an SQL expression of type text; NULL where it is: the inserts
    /// into the unpublished leaf alone, and from PostgreSQL 15 on of its column `id` alone.
    ///
    /// - Parameter serverVersion: as libpq gives it. Column lists and row filters exist from 15 on.
    func problemSQL(serverVersion: Int) -> SQLText {
        let lists = serverVersion >= 150_000
        let columns: SQLText =
            lists
            ? """
             WHEN r.prqual IS NOT NULL THEN 'has a row filter'
              WHEN r.prattrs IS NULL OR (SELECT array_agg(a.attname::text) FROM unnest(r.prattrs::int2[]) AS n
                JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.prrelid AND a.attnum = n) <> ARRAY['id']
                THEN 'publishes other columns than id'
            """ : ""
        let schemas: SQLText =
            lists
            ? " WHEN EXISTS (SELECT FROM pg_catalog.pg_publication_namespace WHERE pnpubid = p.oid)"
                + " THEN 'publishes whole schemas'" : ""
        return """
            coalesce((SELECT CASE
              WHEN p.puballtables THEN 'publishes all tables'\(schemas)
              WHEN NOT p.pubinsert OR p.pubupdate OR p.pubdelete OR p.pubtruncate THEN 'publishes other operations than inserts'
              WHEN (SELECT count(*) FROM pg_catalog.pg_publication_rel WHERE prpubid = p.oid) <> 1 OR r.prrelid IS NULL
                THEN \(SQLText(constant: "is not for \(schema.unpublished.name) alone"))\(columns)
              ELSE '' END
            FROM pg_catalog.pg_publication AS p LEFT JOIN pg_catalog.pg_publication_rel AS r
              ON r.prpubid = p.oid AND r.prrelid = \(schema.unpublished.oidSQL)
            WHERE p.pubname = \(SQLText(constant: Self.name))), \(SQLText(constant: Self.missing)))
            """
    }

    private static let missing = "is missing"

    /// Makes the publication where it is missing and the role may; refuses one of another shape: the relay polls beside it,
    /// and `migrate` replaces it.
    func ensure(on connection: Connection) async throws {
        let version = connection.info.serverVersion
        let found = try await connection.execute("SELECT \(problemSQL(serverVersion: version))")
        let problem = found.last?.string(0, 0) ?? "cannot be read"
        guard !problem.isEmpty else { return }
        if problem == Self.missing, try await create(on: connection, serverVersion: version) { return }
        throw Refusal(
            .configuration, check: "publication", problem: "the publication \(Self.name) \(problem)",
            remedy: Self.remedy)
    }

    /// - Returns: false where the role may not.
    private func create(on connection: Connection, serverVersion: Int) async throws -> Bool {
        let columns: SQLText = serverVersion >= 150_000 ? " (id)" : ""
        do {
            try await connection.execute(
                """
                CREATE PUBLICATION \(SQLText(name: Self.name)) FOR TABLE \(schema.unpublished)\(columns)
                WITH (publish = 'insert')
                """)
            return true
        } catch {
            // 42710: somebody else was quicker.
            if error.sqlState == "42710" { return true }
            guard error.sqlState == "42501" else { throw error }
            return false
        }
    }
}
