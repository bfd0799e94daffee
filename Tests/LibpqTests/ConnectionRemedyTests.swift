import Foundation
import Glibc
import Libpq
import RelayTestKit
import Testing

/// Each remedy for a session that cannot be had: its cause is brought about, what it says is done, and there is a session.
@Suite(.timeLimit(.minutes(2))) struct ConnectionRemedyTests {
    /// A cause, by SQL or by options of the connection; and what the remedy says, done.
    struct Cause: Sendable, CustomTestStringConvertible {
        var words: String
        var sql: [String] = []
        var options: [String: String] = [:]
        var fix: [String] = []
        var fixedOptions: [String: String] = [:]

        var testDescription: String { words }
    }

    private static let password = ["user": PrivateCluster.passwordRole]
    private static let causes = [
        Cause(words: "give one with PGPASSWORD", options: password, fixedOptions: ["password": "right"]),
        Cause(
            words: "give the role's password", options: password.merging(["password": "wrong"]) { $1 },
            fixedOptions: ["password": "right"]),
        Cause(
            words: "set a new one with ALTER ROLE", options: password.merging(["password": "other"]) { $1 },
            fix: ["ALTER ROLE \(PrivateCluster.passwordRole) PASSWORD 'other'"]),
        Cause(
            words: "has LOGIN", sql: ["CREATE ROLE sleepy"], options: ["user": "sleepy"],
            fix: ["ALTER ROLE sleepy LOGIN"]),
        Cause(words: "the role exists", options: ["user": "nobody"], fix: ["CREATE ROLE nobody LOGIN"]),
        Cause(
            words: "GRANT CONNECT ON DATABASE",
            sql: [
                "CREATE DATABASE private", "REVOKE CONNECT ON DATABASE private FROM PUBLIC", "CREATE ROLE guest LOGIN",
            ],
            options: ["user": "guest", "dbname": "private"], fix: ["GRANT CONNECT ON DATABASE private TO guest"]),
        Cause(words: "create it", options: ["dbname": "absent"], fix: ["CREATE DATABASE absent"]),
        Cause(
            words: "raise max_connections or the CONNECTION LIMIT", sql: ["CREATE ROLE shut LOGIN CONNECTION LIMIT 0"],
            options: ["user": "shut"], fix: ["ALTER ROLE shut CONNECTION LIMIT 5"]),
        Cause(
            words: "ALLOW_CONNECTIONS true", sql: ["CREATE DATABASE closed ALLOW_CONNECTIONS false"],
            options: ["dbname": "closed"], fix: ["ALTER DATABASE closed ALLOW_CONNECTIONS true"]),
        Cause(
            words: "lower sslmode", options: ["host": "127.0.0.1", "sslmode": "require"],
            fixedOptions: ["sslmode": "prefer"]),
        Cause(words: "correct the host", options: ["host": "nowhere.invalid"], fixedOptions: ["host": "127.0.0.1"]),
        Cause(words: "correct host and port", options: ["host": "/nowhere"], fixedOptions: ["host": "127.0.0.1"]),
        Cause(
            words: "target_session_attrs allows", options: ["target_session_attrs": "standby"],
            fixedOptions: ["target_session_attrs": "any"]),
        Cause(
            words: "correct it where it is set", options: ["sslmode": "hunter22"], fixedOptions: ["sslmode": "prefer"]),
    ]

    @Test func eachIsRight() async throws {
        let cluster = try await PrivateCluster.start()
        let admin = try await cluster.connection()
        _ = try await admin.query("CREATE ROLE \(SQLText(name: PrivateCluster.passwordRole)) LOGIN PASSWORD 'right'")
        for cause in Self.causes { try await follow(cause, admin, cluster) }
        await admin.close()
    }

    /// The same with a server that speaks TLS.
    @Test func eachIsRightWithTLS() async throws {
        let cluster = try await PrivateCluster.start()
        let certificate = try await cluster.startWithTLS()
        let other = "\(cluster.folder)/other"
        for name in ["crt", "key"] {
            try FileManager.default.copyItem(
                atPath: "\(cluster.folder)/data/server.\(name)", toPath: "\(other).\(name)")
        }
        let verified = [
            "host": "localhost", "hostaddr": "127.0.0.1", "sslmode": "verify-full", "sslrootcert": certificate,
        ]
        func changed(_ options: [String: String]) -> [String: String] { verified.merging(options) { $1 } }
        let admin = try await cluster.connection()
        let causes = [
            Cause(
                words: "name another file with sslrootcert", options: changed(["sslrootcert": "/nowhere/root.crt"]),
                fixedOptions: verified),
            Cause(
                words: "name the authority of the server's certificate with sslrootcert",
                options: changed(["sslrootcert": try await Self.anotherAuthority(beside: other)]),
                fixedOptions: verified),
            Cause(
                words: "connect by a name that is in the server's certificate", options: changed(["host": "127.0.0.1"]),
                fixedOptions: verified),
        ]
        for cause in causes { try await follow(cause, admin, cluster) }
        let keys = changed(["sslcert": "\(other).crt", "sslkey": "\(other).key"])
        #expect(chmod("\(other).key", 0o644) == 0)
        let loose = Cause(words: "with mode 0600", options: keys)
        try await follow(loose, admin, cluster) { #expect(chmod("\(other).key", 0o600) == 0) }
        await admin.close()
    }

    /// Brings the cause about, asks for the remedy, does what it says.
    private func follow(
        _ cause: Cause, _ admin: Connection, _ cluster: PrivateCluster, fix: () -> Void = {}
    ) async throws {
        for statement in cause.sql { _ = try await admin.query(SQLText(trusting: statement)) }
        var target = try ConnectionTarget(parsing: cluster.conninfo())
        for (keyword, value) in cause.options { target[keyword] = value }
        let error = await failure { _ = try await Connection.open(target, timeout: .seconds(30)) }
        #expect(error?.connectionRemedy?.contains(cause.words) == true, "\(cause.words): \(error.debugDescription)")

        fix()
        for statement in cause.fix { _ = try await admin.query(SQLText(trusting: statement)) }
        for (keyword, value) in cause.fixedOptions { target[keyword] = value }
        await #expect(throws: Never.self, "\(cause.words)") {
            try await Connection.open(target, timeout: .seconds(30)).close()
        }
    }

    private static func anotherAuthority(beside path: String) async throws -> String {
        let made = try await run([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=another", "-keyout", "\(path).another.key", "-out", "\(path).another.crt",
        ])
        guard made.status == .exited(0) else { throw KitFailure("openssl: \(made.errors)") }
        return "\(path).another.crt"
    }

    @Test func aServerThatSaysNothing() async throws {
        let silent = try FakeServer(answer: [], closes: false)
        defer { silent.stop() }
        let target = try ConnectionTarget(parsing: "host=127.0.0.1 port=\(silent.port) connect_timeout=2")
        let error = await failure { _ = try await Connection.open(target, timeout: .seconds(30)) }
        #expect(error?.connectionRemedy?.contains("no firewall on the way drops packets") == true)
    }

    @Test(arguments: [("57P03", "wait until"), ("57P01", "start the server again"), ("XX000", "the server's log")])
    func whatTheServerSaysOfItself(_ sqlState: String, _ words: String) async throws {
        let answer = FakeServer.error([("S", "FATAL"), ("V", "FATAL"), ("C", sqlState), ("M", "no")])
        let server = try FakeServer(answer: answer, closes: true)
        defer { server.stop() }
        let target = try ConnectionTarget(
            parsing: "host=127.0.0.1 port=\(server.port) user=a sslmode=disable gssencmode=disable")
        let error = await failure { _ = try await Connection.open(target, timeout: .seconds(30)) }
        #expect(error?.connectionRemedy?.contains(words) == true, "\(error.debugDescription)")
    }
}
