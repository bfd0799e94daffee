import ArgumentParser
import PostgresOutbox
import RelayObservability

/// What a purge says at its end.
struct PurgeReport {
    private let findings: PurgeFindings
    private let cutoff: String
    private let isDryRun: Bool
    private let signal: Int32?

    /// - Parameter signal: the one that ended it.
    init(_ findings: PurgeFindings, cutoff: String, isDryRun: Bool, signal: Int32? = nil) {
        self.findings = findings
        self.cutoff = cutoff
        self.isDryRun = isDryRun
        self.signal = signal
    }

    /// What a sink still needs is not to go; a row that could not go is for an operator to look at.
    private var isComplete: Bool {
        if case .row? = findings.end { return false }
        return signal == nil
    }

    var exitCode: ExitCode { isComplete ? .success : signal.map(ExitCode.signal) ?? .checkFailed }

    /// Sentences for people.
    var text: String {
        let done = isDryRun ? "would purge" : "purged"
        let events = findings.count == 1 ? "1 event" : "\(findings.count) events"
        let ids =
            if let first = findings.firstID, let last = findings.lastID { ", ids \(first) to \(last)" } else { "" }
        return ["\(done) \(events) published before \(cutoff)\(ids)", rest].compactMap(\.self).joined(separator: "; ")
    }

    /// What is left, and why.
    private var rest: String? {
        switch findings.end {
        case .done: nil
        case nil: signal.map { "it stopped early (signal \($0)); run it again to go on" }
        case .sink(let name, through: let through?):
            "later ones stay, since sink \(name) has received events only through \(through); if nobody serves it, run "
                + "outbox-relay sinks remove \(name)"
        case .sink(let name, through: nil):
            "all stay, since where sink \(name) begins is not fixed before a relay leads; run one, or run "
                + "outbox-relay sinks remove \(name)"
        case .row(let row): "\(row.sentence); later ones stay too"
        }
    }

    /// The same for programs; the members and their order are a promise.
    var json: JSONText {
        var (sink, through, kept, reason) = (String?.none, Int64?.none, Int64?.none, String?.none)
        switch findings.end {
        case .done: break
        case nil: reason = signal.map { "signal \($0)" }
        case .sink(let name, through: let cursor): (sink, through) = (name, cursor)
        case .row(let row): (kept, reason) = (row.id, row.sentence)
        }
        return .object([
            ("dry_run", .bool(isDryRun)), ("published_before", .string(cutoff)), ("events", .int(findings.count)),
            ("first_id", .int(or: findings.firstID)), ("last_id", .int(or: findings.lastID)),
            ("complete", .bool(isComplete)), ("held_by", .string(or: sink)), ("held_above", .int(or: through)),
            ("kept_id", .int(or: kept)), ("reason", .string(or: reason)),
        ])
    }
}
