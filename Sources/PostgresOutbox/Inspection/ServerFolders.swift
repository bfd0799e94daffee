import Libpq

/// Where the server keeps what the outbox takes up, as far as this session is told.
package struct ServerFolders: Sendable, Hashable {
    /// Whether the session comes by a Unix socket, so that the server's folders are this machine's.
    package var areLocal: Bool
    /// Its data directory; nil where this role may not see it.
    package var data: String?
    /// Those of the tablespaces that hold the outbox, where they are not in the data directory.
    package var tablespaces: [String]
}

extension Inspector {
    /// Asks for them; nothing more is needed than to be connected.
    package func serverFolders() async throws(Refusal) -> ServerFolders {
        let leaves = [session.schema.unpublished, session.schema.published].map { Parameter.int(Int64($0.oid)) }
        // What only some roles may see is not in the view for the others. 0 stands for the database's own tablespace.
        let found = try await rows(
            """
            SELECT DISTINCT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory'),
              pg_catalog.pg_tablespace_location(CASE WHEN c.reltablespace = 0 THEN d.dattablespace ELSE c.reltablespace END)
            FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_database AS d ON d.datname = pg_catalog.current_database()
            WHERE c.oid IN ($1::pg_catalog.oid, $2::pg_catalog.oid)
            """, leaves)
        return ServerFolders(
            areLocal: session.connection.info.isUnixSocket, data: found.first?.string(0),
            // In the data directory, a location is empty or not absolute.
            tablespaces: found.compactMap { $0.string(1) }.filter { $0.hasPrefix("/") })
    }
}
