import Glibc
import Libpq

/// Reads a relay's events from stdin, shows them as they come, and at their end holds them against the table.
///
/// `demo-audit MODE CONNINFO`: its last line is `demo: mode=… events=… lost=… out_of_order=… duplicates=… p50_ms=…
/// p99_ms=…`; it exits 1 where something was lost or out of order, 70 where the table could not be read.
@main
struct DemoAudit {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        guard arguments.count == 2, let mode = arguments.first, let conninfo = arguments.last else {
            complain("usage: demo-audit MODE CONNINFO")
            exit(EX_USAGE)
        }
        var audit = Audit()
        EventReader().readToEnd { audit.read($0) }
        do {
            let verdict = audit.verdict(against: try await ids(conninfo))
            show(Array("demo: mode=\(mode) \(verdict)\n".utf8))
            exit(verdict.isGood ? 0 : 1)
        } catch {
            complain("the outbox could not be read: \(error)")
            exit(EX_SOFTWARE)
        }
    }

    /// What was committed.
    private static func ids(_ conninfo: String) async throws(PostgresError) -> [Int64] {
        let connection = try await Connection.open(ConnectionTarget(parsing: conninfo), timeout: .seconds(10))
        let table = try await connection.query("SELECT id FROM outbox ORDER BY id")
        await connection.close()
        return table.rows.compactMap { $0.int(0) }
    }

    private static func complain(_ sentence: String) {
        let line = Array("demo-audit: \(sentence)\n".utf8)
        _ = write(STDERR_FILENO, line, line.count)
    }
}

/// Writes all of it to stdout, or as much as somebody still reads.
func show(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
    }
}
