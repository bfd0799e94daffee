import Foundation
import Libpq
import RelayTestKit
import Testing

/// How a relay learns of new rows.
enum Mode: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case poll
    case wal

    var testDescription: String { rawValue }
}

/// Whether the long form of the soaks is asked for.
let isLongSoak = ProcessInfo.processInfo.environment["SOAK"] == "long"

/// How late a machine that is busy with other tests may make what is promised within a time.
let noise = Duration.seconds(1)

extension RelayProcess {
    /// Starts a relay and waits until it leads and takes new rows in its mode.
    static func leading(
        _ database: TestDatabase, _ mode: Mode, _ more: [String] = [], output: Output = .lines
    ) async throws -> RelayProcess {
        let relay = try run(database, ["--mode", mode.rawValue] + more, output: output)
        try await relay.waitForLog("leading")
        // The slot comes once the transactions that run on the cluster, other tests' as well, have ended.
        if mode == .wal { try await relay.waitForLog("streaming", within: .seconds(120)) }
        return relay
    }

    /// Runs a relay until everything is drained and gives it, ended.
    static func drained(
        _ database: TestDatabase, _ mode: Mode, _ more: [String] = [], within limit: Duration = .seconds(60)
    ) async throws -> RelayProcess {
        let relay = try run(database, ["--mode", mode.rawValue, "--until-drained"] + more)
        let status = try await relay.exitStatus(within: limit)
        #expect(status == .exited(0), "\(relay.log.text)")
        return relay
    }

    /// Runs a command to its end.
    static func command(
        _ arguments: [String], environment: [String: String] = [:], within limit: Duration = .seconds(30)
    ) async throws -> (status: ProcessEnd, relay: RelayProcess) {
        let relay = try start(arguments, environment: environment)
        return (try await relay.exitStatus(within: limit), relay)
    }
}

extension TestDatabase {
    /// Deliveries go on, and nothing can be settled until the transaction ends that `body` is given.
    ///
    /// A settlement waits for it, perhaps with the rows of its claim locked. Where `body` then waits for those rows, it
    /// must be the relay's transaction that the server cancels, whichever of the two came first. It begins once every
    /// sink's start is fixed: that waits for the transaction as well, and nothing is delivered before it.
    func whileNothingSettles<Value: Sendable>(_ body: (Connection) async throws -> Value) async throws -> Value {
        try await eventually("every sink has begun") {
            try await isTrue("SELECT count(*) > 0 AND bool_and(start IS NULL) FROM outbox_sink")
        }
        return try await withConnection { holder in
            try await holder.execute("SET deadlock_timeout = '10min'")
            try await holder.execute("BEGIN; LOCK TABLE outbox_sink IN SHARE ROW EXCLUSIVE MODE")
            let value = try await body(holder)
            try await holder.execute("COMMIT")
            return value
        }
    }

    /// Waits until every row is marked published.
    func becomesSettled(within limit: Duration = .seconds(30)) async throws {
        try await withConnection { connection in
            let settled = try await holds(within: limit) {
                try await connection.query("SELECT count(*) FROM outbox_unpublished").int(0, 0) == 0
            }
            if settled { return }
            let left = try await connection.query(
                """
                SELECT concat_ws(' ', count(*), 'from', min(id), 'to', max(id), 'cursor',
                                 (SELECT max(delivered_through) FROM outbox_sink), 'holders',
                                 (SELECT string_agg(virtualtransaction, ',') FROM pg_locks
                                  WHERE relation = 'outbox_id_seq'::regclass AND mode = 'RowExclusiveLock'))
                FROM outbox_unpublished
                """)
            throw KitFailure("within \(limit) not every row is published: \(left.string(0, 0) ?? "")")
        }
    }

    /// How many sessions of a relay, or of one role of it, this database has.
    func sessions(role: String = "") async throws -> Int64 {
        try await number(
            """
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name LIKE 'outbox-relay \(role)%'
            """)
    }

    /// How many replication slots this database has.
    func slots() async throws -> Int64 {
        try await number("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
    }
}

/// Holds what readers got against what the outbox holds: nothing lost, nothing invented, in order.
func expectComplete(
    _ database: TestDatabase, _ relays: [RelayProcess], duplicates: Int = 0, late: Set<Int64> = [],
    comment: String = "", sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let audit = Audit(relays.map(\.output))
    let complaints = audit.complaints(expected: try await database.ids(), duplicates: duplicates, late: late)
    // What was delivered more than once, where it may not be: when, and which row.
    let repeated = complaints.isEmpty ? [] : Set(audit.duplicates.prefix(3))
    let lines = relays.flatMap(\.output.deliveries).filter { repeated.contains($0.id) }
        .map { "\($0.arrived) \($0.text.prefix(400))" }
    let logs = complaints.isEmpty ? [] : relays.map(\.log.text)
    let details = ([comment] + lines + logs).joined(separator: "\n")
    #expect(complaints.isEmpty, "\(complaints) \(details)", sourceLocation: sourceLocation)
    for relay in relays { #expect(relay.output.strays.isEmpty, sourceLocation: sourceLocation) }
}
