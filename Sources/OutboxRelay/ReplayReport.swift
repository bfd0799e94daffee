import ArgumentParser
import Glibc
import RelayCore
import RelayObservability
import RelayRuntime

/// What a replay says at its end, and its exit code.
struct ReplayReport {
    private let outcome: ReplayRun.Outcome
    private let sink: String
    private let signal: Int32?

    /// - Parameter signal: the one that ended it.
    init(_ outcome: ReplayRun.Outcome, sink: String, signal: Int32?) {
        self.outcome = outcome
        self.sink = sink
        self.signal = signal
    }

    private var replay: Replay { outcome.replay }
    private var isComplete: Bool { outcome.failure == nil && outcome.end == .done }

    /// Why it ended early.
    private var reason: String? {
        if let row = outcome.failure as? UnreadableRow {
            return "event \(row.fault.id) cannot be read: \(row.fault.reason); fix or delete its row"
        }
        if outcome.failure != nil { return "the database cannot be read" }
        switch outcome.end {
        case .done, nil: return nil
        case .stopped: return signal.map { "signal \($0)" } ?? "it was asked to stop"
        case .rejected(let id, let reason): return "sink \(sink) rejects event \(id): \(reason)"
        case .blocked(let reason): return "sink \(sink) is blocked until this is fixed: \(reason)"
        case .closed(let reason): return "sink \(sink) is closed: \(reason)"
        }
    }

    /// What the database says has a code of its own.
    var exitCode: ExitCode {
        if outcome.failure is UnreadableRow { return .checkFailed }
        return switch outcome.end {
        case .done, nil: replay.rejectedCount > 0 ? .checkFailed : .success
        case .stopped: .signal(signal ?? SIGTERM)
        case .rejected: .checkFailed
        case .blocked: .configuration
        case .closed: .outputClosed
        }
    }

    /// One sentence.
    var text: String {
        let filtered = outcome.filteredOut > 0 ? ", \(outcome.filteredOut) of them filtered out" : ""
        let rejected = replay.rejectedCount > 0 ? ", \(replay.rejectedCount) more were rejected and skipped" : ""
        let done =
            "replayed \(replay.deliveredCount) events of ids \(replay.plan.from) to \(replay.plan.through) "
            + "to sink \(sink)\(filtered)\(rejected)"
        guard !isComplete else { return done }
        return "\(done); it stopped early\(reason.map { " (\($0))" } ?? ""); continue with --from \(replay.next)"
    }

    /// The same for programs; the members and their order are a promise.
    var json: JSONText {
        .object([
            ("sink", .string(sink)), ("from", .int(replay.plan.from)), ("to", .int(replay.plan.through)),
            ("events", .int(Int64(replay.deliveredCount))), ("filtered_out", .int(Int64(outcome.filteredOut))),
            ("rejected", .int(Int64(replay.rejectedCount))), ("complete", .bool(isComplete)),
            ("next", isComplete ? .null : .int(replay.next)), ("reason", .string(or: reason)),
        ])
    }
}
