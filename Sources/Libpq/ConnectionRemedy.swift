extension PostgresError {
    /// What to do about a session that could not be had, by what is known for certain of why; where several causes end in
    /// one answer, what to look at. `nil` for errors of statements.
    package var connectionRemedy: String? {
        switch kind {
        case .badTarget:
            "correct it where it stands: in --database or the configuration file, a PG… variable or the service file"
        case .connection: sqlState.map(Self.remedy(for:)) ?? Self.remedy(forText: message)
        case .timeout: "see that the server runs, and that nothing on the way to it drops what is sent"
        case .closed, .cancelled, .server, .protocolViolation: nil
        }
    }

    /// By the server's code; see PostgreSQL's appendix A.
    private static func remedy(for sqlState: String) -> String {
        switch sqlState {
        case "28P01": "give the role's password by PGPASSWORD or a password file, or set it anew by ALTER ROLE"
        case "28000": "see that the role exists, has LOGIN, and is let in by a line of pg_hba.conf"
        case "42501": "GRANT CONNECT ON DATABASE to the role"
        case "3D000": "create it, or name another in --database"
        case "53300":
            "end sessions that nobody needs, or raise max_connections or the CONNECTION LIMIT of the role or the database"
        case "55000": "let the database take sessions, by ALTER DATABASE … ALLOW_CONNECTIONS true"
        case "57P03": "wait until the server has started or recovered"
        case "57P01", "57P02": "start the server again"
        default: "look into the server's log"
        }
    }

    /// By libpq's words, which come without a code; compared by bytes, since a value that somebody gave stands beside them.
    private static func remedy(forText message: String) -> String {
        let remedies = [
            ("no password supplied", "give one, by PGPASSWORD or a password file of mode 0600"),
            ("could not translate host name", "correct the host, or see that its name can be resolved here"),
            ("server does not support SSL", "turn TLS on in the server, or lower sslmode"),
            ("root certificate file", "put the authority's certificate there, or name another by sslrootcert"),
            ("certificate verify failed", "name the authority of the server's certificate by sslrootcert"),
            ("server certificate for", "connect by a name that is in the server's certificate"),
            ("private key file", "give that file to this user alone, with the mode 0600"),
            ("hot standby mode", "name a server that target_session_attrs allows"),
            ("session is", "name a server that target_session_attrs allows"),
        ]
        let found = remedies.first { message.utf8.contains($0.0.utf8) }
        return found?.1 ?? "start the server, or correct host and port in --database"
    }
}
