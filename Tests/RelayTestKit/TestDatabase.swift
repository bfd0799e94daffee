import Foundation
import Libpq
import Synchronization

/// A database of one test's own.
package struct TestDatabase: Sendable {
    package let cluster: PrivateCluster
    package let name: String

    /// A database that is there already, such as that of a standby.
    package init(cluster: PrivateCluster, name: String) { (self.cluster, self.name) = (cluster, name) }

    /// Its conninfo as the superuser, over the unix socket.
    package var conninfo: String { cluster.conninfo(database: name) }

    /// Its conninfo as another role, or over TCP.
    package func conninfo(user: String = "postgres", tcp: Bool = false, more: String = "") -> String {
        cluster.conninfo(database: name, user: user, tcp: tcp, more: more)
    }

    /// A connection to it as the superuser.
    package func connection() async throws -> Connection { try await cluster.connection(database: name) }

    /// Runs statements on a connection of their own, all in one transaction unless they say otherwise.
    package func execute(_ sql: String) async throws {
        try await withConnection { _ = try await $0.execute(SQLText(trusting: sql)) }
    }

    /// The rows of one statement, as text.
    package func query(_ sql: String) async throws -> [[String?]] {
        try await withConnection { connection in
            guard let table = try await connection.execute(SQLText(trusting: sql)).last else { return [] }
            return (0..<table.rowCount).map { row in (0..<table.columnCount).map { table.string(row, $0) } }
        }
    }

    /// The one value of a statement that gives one.
    package func value(_ sql: String) async throws -> String? { try await query(sql).first?.first ?? nil }

    /// The whole number that a statement gives; 0 where it gives none.
    package func number(_ sql: String) async throws -> Int64 { try await value(sql).flatMap(Int64.init) ?? 0 }

    /// Whether a statement gives `t`.
    package func isTrue(_ sql: String) async throws -> Bool { try await value(sql) == "t" }

    /// The first column of every row, as whole numbers.
    package func numbers(_ sql: String) async throws -> [Int64] {
        try await query(sql).compactMap { $0.first.flatMap(\.self).flatMap(Int64.init) }
    }

    /// Every id that is in the outbox, ascending.
    package func ids() async throws -> [Int64] { try await numbers("SELECT id FROM outbox ORDER BY id") }

    /// Inserts `count` events in one transaction, in both the parent's ordinary way; gives the highest id.
    @discardableResult
    package func insert(_ count: Int = 1, bytes: Int = 20) async throws -> Int64 {
        try await number(
            """
            WITH inserted AS (
              INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
              SELECT 'transfer', 'a' || n % 10, 'transfer.posted',
                     jsonb_build_object('n', n, 'filler', repeat('x', \(bytes)))
              FROM generate_series(1, \(count)) n RETURNING id)
            SELECT max(id) FROM inserted
            """)
    }

    /// Inserts an event under an id given by hand.
    package func insert(id: Int64) async throws {
        try await execute(
            """
            INSERT INTO outbox (id, aggregate_type, aggregate_id, event_type, payload) OVERRIDING SYSTEM VALUE
            VALUES (\(id), 'transfer', 'by hand', 'transfer.posted', '{}')
            """)
    }

    /// Lends a connection and closes it.
    package func withConnection<Value: Sendable>(
        _ body: (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await connection()
        do {
            let value = try await body(connection)
            await connection.close()
            return value
        } catch {
            await connection.close()
            throw error
        }
    }
}

extension PrivateCluster {
    /// Creates a database of a unique name, empty or with the outbox's tables.
    package func database(migrated: Bool = true, encoding: String = "UTF8") async throws -> TestDatabase {
        let name = "test_\(UUID().uuidString.prefix(13).lowercased().replacing("-", with: ""))"
        let connection = try await connection()
        _ = try await connection.execute(
            """
            CREATE DATABASE \(SQLText(name: name)) ENCODING \(SQLText(constant: encoding)) LC_COLLATE 'C' LC_CTYPE 'C'
            TEMPLATE template0
            """)
        await connection.close()
        let database = TestDatabase(cluster: self, name: name)
        if migrated { try await database.migrate() }
        return database
    }
}

extension TestDatabase {
    /// Applies the outbox's migrations as their files hold them.
    package func migrate() async throws {
        let connection = try await connection()
        for text in try Self.migrations() { _ = try await connection.execute(SQLText(trusting: text)) }
        await connection.close()
    }

    private static func migrations() throws -> [String] {
        let folder = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("migrations/outbox")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".sql") }
        return try files.sorted().map { try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8) }
    }
}
