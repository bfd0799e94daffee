extension PostgresError {
    /// What to do about a session that could not be had, by what is known for certain of why; where several causes end in
    /// one answer, what to look at. `nil` for errors of statements.
    package var connectionRemedy: String? {
        switch kind {
        case .badTarget:
            "correct it where it is set: in --database, the configuration file, a PG… variable or the service file"
        case .connection: sqlState.map(Self.remedy(for:)) ?? Self.remedy(forText: message)
        case .timeout: "check that the server runs, and that no firewall on the way drops packets"
        case .closed, .cancelled, .server, .protocolViolation: nil
        }
    }

    /// By the server's code; see PostgreSQL's appendix A.
    private static func remedy(for sqlState: String) -> String {
        switch sqlState {
        case "28P01": "give the role's password with PGPASSWORD or a password file, or set a new one with ALTER ROLE"
        case "28000": "check that the role exists, has LOGIN, and is allowed by a line of pg_hba.conf"
        case "42501": "GRANT CONNECT ON DATABASE to the role"
        case "3D000": "create it, or name another one in --database"
        case "53300":
            "end unused sessions, or raise max_connections or the CONNECTION LIMIT of the role or the database"
        case "55000": "allow connections with ALTER DATABASE … ALLOW_CONNECTIONS true"
        case "57P03": "wait until the server has started or recovered"
        case "57P01", "57P02": "start the server again"
        default: "see the server's log"
        }
    }

    /// By libpq's words, which come without a code; compared by bytes, since a value that somebody gave is beside them.
    private static func remedy(forText message: String) -> String {
        let remedies = [
            ("no password supplied", "give one with PGPASSWORD or a password file of mode 0600"),
            ("could not translate host name", "correct the host, or check that its name can be resolved here"),
            ("server does not support SSL", "turn TLS on in the server, or lower sslmode"),
            ("root certificate file", "put the authority's certificate there, or name another file with sslrootcert"),
            ("certificate verify failed", "name the authority of the server's certificate with sslrootcert"),
            ("server certificate for", "connect by a name that is in the server's certificate"),
            ("private key file", "make this user the owner of that file, with mode 0600"),
            ("hot standby mode", "name a server that target_session_attrs allows"),
            ("session is", "name a server that target_session_attrs allows"),
        ]
        let found = remedies.first { message.utf8.contains($0.0.utf8) }
        return found?.1 ?? "start the server, or correct host and port in --database"
    }
}
