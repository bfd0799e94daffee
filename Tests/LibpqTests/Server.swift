import Libpq
import RelayTestKit

/// The PostgreSQL server these tests talk to.
enum Server {
    /// Opens a session, with options set on the target first.
    static func connect(_ options: [String: String] = [:]) async throws -> Connection {
        var target = try ConnectionTarget(parsing: await PrivateCluster.shared().conninfo())
        for (keyword, value) in options { target[keyword] = value }
        return try await Connection.open(target, timeout: .seconds(30))
    }

    /// Whether a backend sleeps in `pg_sleep` at present.
    static func isAsleep(_ pid: Int32, seenBy observer: Connection) async throws -> Bool {
        let text: SQLText = "SELECT 1 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'"
        return try await observer.query(text, [.int(Int64(pid))]).rowCount == 1
    }
}

/// The error that `body` throws; `nil` if it throws none, or one of another type.
func failure(of body: () async throws -> Void) async -> PostgresError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? PostgresError
    }
}
