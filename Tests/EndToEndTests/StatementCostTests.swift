import Foundation
import Libpq
import RelayTestKit
import Testing

/// Design section 10, rule 3: cost follows what is new, never what has been.
///
/// The real relay, and every command, work on a database with a long history while the server explains each statement that
/// they send. No statement may read more than a portion of a table that grows, however its plan came about.
@Suite(.heavy) struct StatementCostTests {
    private static let histories =
        [LongHistory(published: 10_000, ranges: 400, owed: 300, upkeep: .none)]
        + LongHistory.Upkeep.allCases.map {
            isLongSoak
                ? LongHistory(published: 10_000_000, ranges: 490_000, owed: 200_000, upkeep: $0)
                : LongHistory(published: 400_000, ranges: 15_000, owed: 15_000, upkeep: $0)
        }

    /// What one statement may read, of one table: the largest portion that anybody takes is 10,000 rows.
    private static let mostRows = 12_000.0
    /// Pages: a settlement of 1,000 rows finds, locks, removes and enters each, and touches some thirty pages for it;
    /// with autovacuum off, dead entries of an index are walked over as well.
    private static let mostBuffers = 150_000.0
    /// As long as a walk through all ids, or all ranges, may take, a portion at a time and each portion explained.
    private static let walk = Duration.seconds(isLongSoak ? 1200 : 240)
    /// Tables that grow; the others hold a row for each sink or session.
    private static let growing = [
        "outbox", "outbox_unpublished", "outbox_published", "outbox_absent", "outbox_late", "outbox_parked",
    ]

    @Test(arguments: histories, Mode.allCases) func noStatementReadsWhatHasBeen(
        _ history: LongHistory, _ mode: Mode
    ) async throws {
        try await judgeStatements(on: history.database) { try await work(on: $0, history, mode) }
    }

    /// A session plans a statement once: what it planned for tables of no rows is still good when they have grown, in the leaf
    /// that a dead sink keeps everything in, and in that of what is published.
    @Test(arguments: Mode.allCases, [false, true]) func plansOfSmallTablesHold(
        _ mode: Mode, hasDeadSink: Bool
    ) async throws {
        let folder = try SinkFolder()
        let dead = hasDeadSink ? ", {name: dead, to: \"http://127.0.0.1:9/\", retry: {base: 50ms, max: 100ms}}" : ""
        let options = try folder.configuration("sinks: [{name: stdout, to: stdout}\(dead)]\n")
        try await judgeStatements(on: { try await $0.database() }) { database in
            let relay = try RelayProcess.run(database, ["--mode", mode.rawValue] + options, output: .ids)
            try await relay.waitForLog("leading", within: .seconds(60))
            try await relay.waitForEvent(id: try await database.insert(5000), within: .seconds(60))
            try await events(relay, database)
            for _ in 0..<6 { try await insertWithGaps(10_000, in: database) }
            let last = try await database.number("SELECT max(id) FROM outbox")
            try await relay.waitForEvent(id: last, within: .seconds(240))
            try await events(relay, database)
            #expect(try await relay.stop(within: .seconds(60)) == .exited(0), "\(relay.log.text)")
        }
    }

    /// Every tenth of their ids is drawn and not used.
    private func insertWithGaps(_ count: Int, in database: TestDatabase) async throws {
        try await database.execute(
            """
            INSERT INTO outbox (id, aggregate_type, aggregate_id, event_type, payload) OVERRIDING SYSTEM VALUE
              SELECT CASE WHEN n % 10 = 0 THEN greatest(nextval('outbox_id_seq'), nextval('outbox_id_seq'))
                ELSE nextval('outbox_id_seq') END, 't', 'k' || n % 100, 't.x', '{}'
              FROM generate_series(1, \(count)) AS n
            """)
    }

    /// Lets the relay work on a database whose server explains each statement, and complains of those that read too much.
    private func judgeStatements(
        on made: (PrivateCluster) async throws -> TestDatabase, _ work: (TestDatabase) async throws -> Void
    ) async throws {
        let cluster = try await PrivateCluster.start(settings: ["autovacuum": "off", "synchronous_commit": "off"])
        let database = try await made(cluster)
        try cluster.set(StatementPlan.settings)
        cluster.reload()
        try await eventually("new sessions are explained") {
            try await database.value("SHOW session_preload_libraries") == "auto_explain"
        }
        // What it sent until then is judged in any case.
        do { try await work(database) } catch { Issue.record(error) }
        let plans = try StatementPlan.all(in: cluster.log[...]).filter { $0.application.hasPrefix("outbox-relay") }
        #expect(plans.count > 100)
        for (query, plan) in worst(plans) {
            let complaints = complaints(plan)
            #expect(complaints.isEmpty, "\(plan.application): \(complaints.joined(separator: ", ")): \(query)\n\(plan)")
        }
    }

    /// The costliest run of each statement, by its text without numbers.
    private func worst(_ plans: [StatementPlan]) -> [String: StatementPlan] {
        var worst: [String: StatementPlan] = [:]
        for plan in plans {
            let text = plan.query.replacing(/\d+(,\s*\d+)*/, with: "0").split(whereSeparator: \.isWhitespace)
            let key = String(text.joined(separator: " ").prefix(2000))
            let (old, new) = (complaints(worst[key]).count, complaints(plan).count)
            if (new, plan.buffers) > (old, worst[key]?.buffers ?? -1) { worst[key] = plan }
        }
        return worst
    }

    private func complaints(_ plan: StatementPlan?) -> [String] {
        guard let plan else { return [] }
        let mayReadMany = Self.countsOrRemoves.contains { plan.query.contains($0) }
        var complaints: [String] = []
        if plan.buffers > Self.mostBuffers, !mayReadMany { complaints.append("\(Int(plan.buffers)) pages") }
        for node in plan.nodes where node.removed > Self.mostRows || node.rows > Self.mostRows && !mayReadMany {
            complaints.append("\(Int(node.rows)) rows by \(node.type) of \(node.index ?? node.relation ?? "")")
        }
        for node in plan.nodes where node.type == "Seq Scan" && node.relation.map(Self.growing.contains) == true {
            complaints.append("Seq Scan of \(node.relation ?? "")")
        }
        return complaints
    }

    /// Statements that are bounded otherwise: `status` stops counting at ten million, and a cursor that is set takes away
    /// the ranges that it read.
    private static let countsOrRemoves = [
        "AS lag ON", "SELECT count(*)", "WITH cut AS (DELETE", "WITH gone AS (DELETE",
    ]

    /// Everything that a relay and an operator do.
    private func work(on database: TestDatabase, _ history: LongHistory, _ mode: Mode) async throws {
        let folder = try SinkFolder()
        let options = try folder.configuration(
            """
            sinks:
              - {name: stdout, to: stdout}
              - {name: dead, to: "http://127.0.0.1:9/", on_reject: park-key, retry: {base: 50ms, max: 100ms}}
            """)
        for _ in 0..<2 {
            let relay = try RelayProcess.run(database, ["--mode", mode.rawValue] + options, output: .ids)
            try await relay.waitForLog("leading", within: .seconds(60))
            try await events(relay, database)
            try await commands(database, options, folder)
            #expect(try await relay.stop(within: .seconds(60)) == .exited(0), "\(relay.log.text)")
        }
    }

    /// Few and many, rolled back, late, held back.
    private func events(_ relay: RelayProcess, _ database: TestDatabase) async throws {
        try await relay.waitForEvent(id: try await database.insert(1), within: .seconds(60))
        try await database.execute("BEGIN; SELECT nextval('outbox_id_seq') FROM generate_series(1, 50); ROLLBACK")
        try await relay.waitForEvent(id: try await database.insert(3000), within: .seconds(60))
        let gap = try await database.number("SELECT max(id) - 3010 FROM outbox")
        try await database.insert(id: gap)
        // Nothing announces it to a relay that polls: sweeps go through all the ranges, a portion at a time.
        try await relay.waitForEvent(id: gap, within: Self.walk)
        try await database.withConnection { slow in
            try await slow.execute("BEGIN; SELECT nextval('outbox_id_seq')")
            let id = try await database.insert(1)
            try await relay.waitForLog("order_hold", within: .seconds(60))
            try await slow.execute("ROLLBACK")
            try await relay.waitForEvent(id: id, within: .seconds(60))
        }
    }

    private func commands(_ database: TestDatabase, _ options: [String], _ folder: SinkFolder) async throws {
        let lines = try folder.write("lines.jsonl", "")
        let parked = try await database.numbers("SELECT id FROM outbox_parked WHERE behind IS NULL ORDER BY id LIMIT 3")
        let highest = try await database.number("SELECT max(id) FROM outbox")
        try await eventually("sink new is gone", within: Self.walk) {
            try await database.number("SELECT count(*) FROM outbox_sink WHERE name = 'new'") == 0
        }
        for arguments in [
            ["status"], ["sinks", "list"], ["sinks", "add", "new"],
            ["sinks", "move", "new", "--to", "beginning"],
            ["sinks", "move", "new", "--to", "latest"], ["sinks", "move", "stdout", "--to", "\(highest - 10)"],
            ["parked", "discard", "--sink", "dead", "--id", "\(parked.last ?? 0)"],
            ["parked", "retry", "--sink", "dead", "--id", "\(parked.first ?? 0)"],
            ["parked", "add", "--sink", "dead", "--id", "\(highest)"],
            ["replay", "--sink", "stdout", "--from", "\(highest - 20)"] + options,
            ["verify", "--against", lines, "--sink", "stdout", "--from", "\(highest - 20)"],
            ["doctor"] + options, ["sinks", "remove", "new"], ["tail", "--limit", "10"],
            ["purge", "--older-than", "1d"],
        ] {
            let (status, command) = try await RelayProcess.command(
                arguments + ["--database", database.conninfo], within: .seconds(120))
            // The file lacks what `verify` looks for, and `doctor` sees that nobody listens at the dead sink's address.
            let finds = ["doctor", "verify"].contains(arguments[0])
            #expect(status == .exited(finds ? 1 : 0), "\(arguments): \(command.log.text)")
        }
    }
}
