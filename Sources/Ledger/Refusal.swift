import ArgumentParser
import Glibc
import Libpq

/// Why a command ends without having done its work: one sentence on stderr, and an exit code of sysexits.h.
struct Refusal: Error {
    let sentence: String
    let code: Int32

    /// A refusal of the ledger's own.
    init(_ sentence: String, code: Int32) {
        self.sentence = sentence
        self.code = code
    }

    /// What the database said, with what to do about it.
    init(_ error: PostgresError) {
        switch (error.kind, error.connectionFailure, error.sqlState) {
        case (.badTarget, _, _):
            self.init("\(error.message): correct --database.", code: EX_CONFIG)
        case (_, .databaseMissing, _):
            self.init("\(error.message): create the database, or correct --database.", code: EX_CONFIG)
        case (_, .authentication, _):
            self.init("\(error.message): correct the role, its password or pg_hba.conf.", code: EX_NOPERM)
        case (_, .unavailable, _), (.closed, _, _), (_, _, "25006"):
            self.init(
                "the database cannot be reached: \(error.message): start the server, or correct --database.",
                code: EX_UNAVAILABLE)
        case (_, _, "42501"):
            self.init("the server refuses: \(error.message): grant the role what it lacks.", code: EX_NOPERM)
        case (_, _, "42P01"), (_, _, "42883"), (_, _, "42703"), (_, _, "3F000"):
            self.init("\(error.message): run `ledger migrate` on this database first.", code: EX_CONFIG)
        default:
            self.init("the database failed: \(error)", code: EX_SOFTWARE)
        }
    }

    /// Each transfer has its event.
    static let noOutbox = Refusal(
        "there is no table outbox: run `outbox-relay migrate` on this database first.", code: EX_CONFIG)

    /// Says it on stderr, and gives what the command then throws.
    func told() -> ExitCode {
        tell()
        return ExitCode(code)
    }

    /// Says it on stderr.
    func tell() {
        let line = Array("ledger: \(sentence)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}
