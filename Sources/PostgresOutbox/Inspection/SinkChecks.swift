import Libpq

extension Inspector {
    /// A registered sink that nobody serves holds publishing back for ever: a failed check for each.
    ///
    /// It is judged by what the leader recorded, not by the options of whoever asks: those only say what is to run
    /// next. So they count where no leader has recorded anything of a sink, or where the one that did leads no longer,
    /// and then for no more than a warning.
    package func unconfiguredChecks(_ needs: RelayNeeds) async throws(Refusal) -> [Check] {
        let leads = try await StatusQuery(session).leaderPID() != nil
        let found = try await rows(unconfiguredSQL, [.textArray(needs.isOrdered ? needs.sinks : [])])
        let size = found.first?.string(3) ?? ""
        let checks = found.compactMap { row -> Check? in
            let sink = UnservedSink(
                name: row.string(0) ?? "", isRecorded: row.bool(1), rows: row.int(2) ?? 0,
                leaf: "\(session.schema.unpublished.shown) has \(size)")
            return needs.isOrdered ? sink.verdict(isOurs: needs.sinks.contains(sink.name), leads) : sink.unordered
        }
        return checks.isEmpty ? [.passed("unconfigured_sink")] : checks
    }

    /// Registered sinks, but for those that the last leader recorded to serve and that `$1` names as well: the name,
    /// what the leader recorded, how many unpublished rows the sink lacks, and how large their leaf is.
    private var unconfiguredSQL: SQLText {
        let schema = session.schema
        return """
            SELECT s.name, c.configured, (SELECT count(*) FROM (
                SELECT FROM \(schema.unpublished) AS u
                WHERE s.start IS DISTINCT FROM 'latest'
                  AND u.id > CASE WHEN s.start = 'oldest' THEN '-9223372036854775808'::bigint
                                  ELSE greatest(s.delivered_through, s.pass_through) END
                ORDER BY u.id LIMIT \(UnservedSink.countLimit)) AS n),
              pg_catalog.pg_size_pretty(pg_catalog.pg_total_relation_size(\(schema.unpublished.oidSQL)))
            FROM \(schema.table("outbox_sink")) AS s
            LEFT JOIN \(schema.table("outbox_sink_state")) AS c ON c.sink = s.name
            WHERE NOT s.removing AND (c.configured IS NOT TRUE OR s.name <> ALL ($1::text[]))
            ORDER BY s.name LIMIT 20
            """
    }
}

/// A registered sink of which it is not certain that a relay serves it.
private struct UnservedSink {
    /// Where counting stops: as far as one page of an index scan, whatever the table's size.
    static let countLimit = 10_000

    let name: String
    /// Whether the last leader was configured with it; nil: none has said.
    let isRecorded: Bool?
    /// Unpublished rows that it lacks.
    let rows: Int64
    /// What the leaf of unpublished rows is called and how large it is.
    let leaf: String

    /// - Parameters:
    ///   - isOurs: whether the options of whoever asks name it.
    ///   - leads: whether a relay leads.
    func verdict(isOurs: Bool, _ leads: Bool) -> Check? {
        switch isRecorded {
        case false?:
            return failed(.error, "is registered, but the relay is not configured with it: \(held)")
        case true?:
            guard !leads, !isOurs else { return nil }
            return failed(
                .warning,
                "was served by the last leader, but these options do not name it: if no relay does, \(held)")
        case nil:
            guard !isOurs else { return nil }
            return failed(
                .warning,
                "has not been served yet, and these options do not name it: if no relay does, \(held)")
        }
    }

    /// For competing relays, which know no cursors.
    var unordered: Check { failed(.error, "is registered, but --order none does not serve registered sinks") }

    private var held: String {
        let count = rows < Self.countLimit ? "\(rows)" : "at least \(rows)"
        return "it keeps \(count) \(rows == 1 ? "row" : "rows") unpublished so far (\(leaf))"
    }

    private func failed(_ severity: Check.Severity, _ problem: String) -> Check {
        .failed(
            "unconfigured_sink:\(name)", severity: severity, "sink \(name) \(problem)",
            remedy: "configure it, or let go of it: outbox-relay sinks remove \(name)")
    }
}
