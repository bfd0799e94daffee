package import Libpq

/// Applies migrations as `psql -f` would.
package enum MigrationRunner {
    /// Runs each file's text, in the given order; which of them the database has already is the files' own matter.
    ///
    /// - Throws: the first failure. The file that failed has left nothing behind, those before it stay, and the
    ///   connection is in no transaction.
    package static func apply(_ migrations: [Migration], on connection: Connection) async throws(PostgresError) {
        for migration in migrations {
            do {
                try await connection.execute(SQLText(trusting: migration.sql))
            } catch {
                // The file's BEGIN outlives its failure. Where this fails too, the connection is gone, and with it
                // the transaction.
                try? await connection.rollBack()
                throw error
            }
        }
    }
}
