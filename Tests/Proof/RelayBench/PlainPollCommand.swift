import ArgumentParser
import Foundation
import Libpq

/// `relay-bench plain-poll`: what home-made pollers do, as a reference. It locks what is there, writes it out, marks it, and
/// sleeps 10 ms; ids that commit late it skips never, since it looks at everything, and order it has none.
struct PlainPollCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plain-poll", abstract: "A poller without order, as a reference.", shouldDisplay: false)

    @Argument(help: "A conninfo.")
    var database: String

    func run() async throws {
        let connection = try await Connection.open(try ConnectionTarget(parsing: database))
        while true {
            try await connection.execute("BEGIN")
            let rows = try await connection.query(
                """
                SELECT id, event_type, payload FROM outbox_unpublished ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED
                """, prepares: true)
            var lines: [UInt8] = []
            for row in rows.rows {
                let id = row.int(0) ?? 0
                lines += Array(
                    #"{"specversion":"1.0","id":"\#(id)","type":"\#(row.string(1) ?? "")","data":\#(row.string(2) ?? "")}"#
                        .utf8)
                lines.append(UInt8(ascii: "\n"))
            }
            if !lines.isEmpty {
                try FileHandle.standardOutput.write(contentsOf: lines)
                let ids = rows.rows.compactMap { $0.int(0) }
                try await connection.query(
                    "UPDATE outbox SET published_at = clock_timestamp() WHERE published_at IS NULL AND id = ANY($1::bigint[])",
                    [.int8Array(ids)], prepares: true)
            }
            try await connection.execute("COMMIT")
            if lines.isEmpty || rows.rowCount < 500 { try await Task.sleep(for: .milliseconds(10)) }
        }
    }
}
