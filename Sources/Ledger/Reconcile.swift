import ArgumentParser
import Libpq

/// `ledger reconcile`
struct Reconcile: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check what must hold of the books; exit 1 where something does not.",
        discussion: """
            One statement looks at everything, and sees one moment of it: transfers may be posted meanwhile. With --json the
            output is one object, {"violations":[{"invariant":…,"subject":…,"detail":…},…],"count":…}.
            """)

    @OptionGroup var database: DatabaseOption

    @Flag(help: "Rebuild the balances of the whole past from the entries' amounts, and compare each.")
    var rebuild = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        var count = 0
        try await database.withConnection { connection throws(PostgresError) in
            count = try await violations(on: connection)
        }
        if json {
            print(count == 0 ? Self.opening : "", "],\"count\":\(count)}", separator: "")
        } else {
            print(count == 0 ? "everything holds" : "violations: \(count)")
        }
        guard count == 0 else { throw ExitCode(1) }
    }

    /// Printed with what is found first, or with the end: a command that cannot look prints nothing.
    private static let opening = "{\"violations\":["

    /// Prints each as it comes; there may be as many as there are rows.
    private func violations(on connection: Connection) async throws(PostgresError) -> Int {
        do {
            return try await connection.rows(rebuild ? Self.rebuilding : Self.checking, into: 0) { count, row in
                if json {
                    print(count == 0 ? Self.opening : ",", row.string(3) ?? "{}", separator: "", terminator: "")
                } else {
                    print("VIOLATED \(row.string(0) ?? ""): \(row.string(1) ?? ""): \(row.string(2) ?? "")")
                }
                count += 1
            }
        } catch {
            throw error as? PostgresError ?? PostgresError(.protocolViolation, "\(error)")
        }
    }

    private static let checking = statement("ledger_check_balances()")
    private static let rebuilding = statement("ledger_rebuild_balances()")

    private static func statement(_ balances: SQLText) -> SQLText {
        """
        SELECT v.invariant, v.subject, v.detail, pg_catalog.to_json(v)
        FROM (
          SELECT * FROM \(balances) UNION ALL SELECT * FROM ledger_check_transfers()
          UNION ALL SELECT * FROM ledger_check_accounts() UNION ALL SELECT * FROM ledger_check_events()
        ) AS v
        """
    }
}
