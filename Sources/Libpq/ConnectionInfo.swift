import CLibpq

/// What is fixed for the life of a connection.
package struct ConnectionInfo: Sendable, Hashable {
    /// The pid that the server announced (`PQbackendPID`). A pooler's is not `pg_backend_pid()`.
    package var backendPID: Int32
    /// The server's version as libpq gives it: 150018 is 15.18. 0 if unknown.
    package var serverVersion: Int
    /// How the database stores text, by PostgreSQL's name for it, such as `UTF8`; empty if unknown.
    package var serverEncoding: String
    /// The host that was connected to, or the directory of its Unix socket.
    package var host: String
    /// The port that was connected to.
    package var port: String
    /// The database.
    package var database: String
    /// The role that authenticated.
    package var user: String
    /// Whether the connection goes through a Unix socket.
    package var isUnixSocket: Bool
    /// Whether the server asked for a password.
    package var usedPassword: Bool
    /// Whether the connection is encrypted by TLS.
    package var usesTLS: Bool
}

/// The libpq this process runs with.
package enum ClientLibrary {
    /// Its version as PostgreSQL writes it, such as `15.18`.
    package static var version: String {
        let number = Int(PQlibVersion())
        return "\(number / 10_000).\(number % 10_000)"
    }
}
