import Foundation
import RelayTestKit

/// Holds ledger, outbox and every sink against each other, once nothing moves any more.
struct ChaosAudit {
    let world: ChaosWorld

    func report(_ earlier: [String], seconds: Int) async throws -> ChaosReport {
        let expected = try await world.database.ids()
        let runs = await world.runs()
        var report = ChaosReport(
            options: world.options, disk: world.disk.kind, kills: world.tally.counts, seconds: seconds,
            events: expected.count, complaints: earlier)
        report.complaints += try await ledger()
        if world.hook.strays > 0 { report.complaints.append("\(world.hook.strays) requests were no events") }
        let late = runs.flatMap { $0.process.log.entries(of: "late_event") }
        if !late.isEmpty { report.complaints.append("\(late.count) events were late: \(late[0])") }

        let histories = Dictionary(runs.map { ($0.number, $0.history) }) { one, _ in one }
        let (ordered, keyed) = (RelaySetting.ordered, RelaySetting.keyed)
        for (sink, inFlight) in [(ordered, RelaySetting.batch), (keyed, RelaySetting.concurrency)] {
            let audit = HookAudit(
                world.hook.deliveries(to: sink), isKeyed: sink == keyed, inFlight: inFlight,
                window: world.options.window, runs: histories)
            report.hooks.append((sink, audit))
            report.complaints += audit.complaints(against: expected).map { "sink \(sink): \($0)" }
        }
        report.complaints += try await verify(world.setting.sharedFile, sink: RelaySetting.shared, of: [])
        let webhook = try await verify("\(world.folder)/\(ordered).jsonl", sink: ordered, of: ["duplicates"])
        report.complaints += webhook
        report.complaints += try ownFiles(expected)
        return report
    }

    /// Every transfer has its one event, and the event tells what the ledger holds.
    private func ledger() async throws -> [String] {
        let questions = [
            (
                "transfers without exactly one event, or events of none",
                """
                SELECT count(*) FROM transfers t FULL JOIN (
                  SELECT aggregate_id, count(*) AS events FROM outbox WHERE payload ? 'transfer_id' GROUP BY 1
                ) e ON e.aggregate_id = t.id::text
                WHERE t.id IS NULL OR e.events IS DISTINCT FROM 1
                """
            ),
            (
                "legs that an event tells of and the ledger does not hold, or the other way round",
                """
                SELECT count(*) FROM entries n FULL JOIN (
                  SELECT (payload ->> 'transfer_id')::uuid AS transfer, (leg ->> 'account_id')::uuid AS account,
                         leg ->> 'asset' AS asset, (leg ->> 'amount')::bigint AS amount
                  FROM outbox, jsonb_array_elements(payload -> 'legs') leg WHERE payload ? 'transfer_id'
                ) e ON (n.transfer_id, n.account_id, n.asset, n.amount) = (e.transfer, e.account, e.asset, e.amount)
                WHERE n.transfer_id IS NULL OR e.transfer IS NULL
                """
            ),
            (
                "transfers that do not sum to zero",
                "SELECT count(*) FROM (SELECT FROM entries GROUP BY transfer_id, asset HAVING sum(amount) <> 0) s"
            ),
            ("rows left unpublished", "SELECT count(*) FROM outbox_unpublished"),
        ]
        var found: [String] = []
        for (what, question) in questions {
            let count = try await world.database.number(question)
            if count != 0 { found.append("ledger and outbox: \(count) \(what)") }
        }
        return found
    }

    /// What `outbox-relay verify` finds, but for what may be.
    private func verify(_ file: String, sink: String, of allowed: Set<String>) async throws -> [String] {
        let done = try await run(
            [
                "outbox-relay", "verify", "--against", file, "--sink", sink, "--from", "1", "--json", "--database",
                world.database.conninfo,
            ], within: .seconds(600))
        guard let object = try? JSONSerialization.jsonObject(with: Data(done.output.utf8)) as? [String: Any] else {
            return ["verify of \(file): \(done.status) \(done.errors)"]
        }
        let kinds = [
            "lost", "undelivered", "out_of_order", "duplicates", "other_time", "changed", "unknown", "foreign", "torn",
            "late", "pending", "purged",
        ]
        let wrong = kinds.filter { !allowed.contains($0) && object[$0] as? Int != 0 }
        guard !wrong.isEmpty else { return [] }
        return ["verify finds \(wrong.joined(separator: ", ")) in sink \(sink): \(done.output)"]
    }

    /// Each relay's file holds each event once and in order, and together they hold them all.
    private func ownFiles(_ expected: [Int64]) throws -> [String] {
        var all: Set<Int64> = []
        var found: [String] = []
        for host in world.hosts {
            let data = FileManager.default.contents(atPath: world.setting.ownFile(of: host.number)) ?? Data()
            let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true)
            let ids = lines.compactMap { EventLine.id(of: $0) }
            let audit = Audit(ids)
            let sentences = [
                HookAudit.sentence(audit.outOfOrder(), "out of order"),
                HookAudit.sentence(audit.duplicates, "repeated"),
                ids.count == lines.count ? nil : "\(lines.count - ids.count) lines are no events",
                data.isEmpty || data.last == UInt8(ascii: "\n") ? nil : "the last line is torn",
            ]
            found += sentences.compactMap { $0.map { "file of relay \(host.number): \($0)" } }
            all.formUnion(ids)
        }
        let lost = HookAudit.sentence(expected.filter { !all.contains($0) }, "lost")
        return found + [lost].compactMap { $0.map { "files of the relays together: \($0)" } }
    }
}
