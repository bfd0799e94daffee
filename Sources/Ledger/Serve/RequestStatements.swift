import Libpq

/// What the protocol of a request asks of a key's row: `$1` is the key, `$2` the attempt, but for what is said otherwise.
enum RequestStatements {
    /// Enters the row for the attempt `$3` with the digest `$2`, in hexadecimal; else gives the row that is there, unless
    /// it was entered after this statement had begun. `$4` is how old an abandoned attempt is.
    static let reserve: SQLText = """
        WITH reserved AS (
          INSERT INTO ledger_requests (key, digest, attempt) VALUES ($1, decode($2, 'hex'), $3::uuid)
          ON CONFLICT DO NOTHING RETURNING key
        )
        SELECT EXISTS (SELECT FROM reserved), r.digest = decode($2, 'hex'), r.attempt,
          r.reserved_at < clock_timestamp() - $4::interval, r.status, convert_from(r.content, 'UTF8')
        FROM (VALUES (1)) AS one LEFT JOIN ledger_requests r ON r.key = $1
        """

    /// From the attempt `$2` to the attempt `$3`.
    static let takeOver: SQLText = """
        UPDATE ledger_requests SET attempt = $3::uuid, reserved_at = clock_timestamp()
        WHERE key = $1 AND attempt = $2::uuid AND status IS NULL
        """

    /// Does `$3` to `$4` as `$5` says, and completes the row; no row comes where it is not the attempt's.
    static let perform: SQLText = "SELECT status, content FROM ledger_answer($1, $2::uuid, $3, $4::uuid, $5::jsonb)"

    /// Completes the row with the status `$3` and the content `$4`.
    static let recordRefusal: SQLText = """
        UPDATE ledger_requests SET status = $3::smallint, content = convert_to($4, 'UTF8')
        WHERE key = $1 AND attempt = $2::uuid AND status IS NULL
        """

    static let free: SQLText = "DELETE FROM ledger_requests WHERE key = $1 AND attempt = $2::uuid AND status IS NULL"

    /// Deletes keys that were reserved longer than `$1` ago, as many as one go takes.
    static let expire: SQLText = """
        DELETE FROM ledger_requests WHERE key IN (
          SELECT key FROM ledger_requests WHERE reserved_at < statement_timestamp() - $1::interval
          ORDER BY reserved_at LIMIT \(mostExpired) FOR UPDATE SKIP LOCKED)
        """
    static let mostExpired = 1000
}
