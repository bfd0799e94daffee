import RelayCore
import Synchronization

/// How far a replay is, told by what it reads and by what its sink answers.
///
/// What is counted are the rows that the replay is past, wanted by the sink or not; the percentage is that of the ids.
final class ReplayProgress: ReplaySource {
    private struct Portion {
        /// Rows before this portion.
        var before: Int64 = 0
        var ids: [Int64] = []
    }

    private let source: any ReplaySource
    private let line: ProgressLine
    private let plan: ReplayPlan
    private let portion = Mutex(Portion())

    init(_ source: any ReplaySource, plan: ReplayPlan, on line: ProgressLine) {
        self.source = source
        self.plan = plan
        self.line = line
    }

    /// Reads the next portion: everything at or below `request.after` is done by then.
    func read(_ request: ReadRequest) async throws -> FetchedRows {
        let rows = try await source.read(request)
        portion.withLock { portion in
            portion.before += Int64(portion.ids.count)
            portion.ids = rows.ids
        }
        reached(request.after)
        return rows
    }

    /// The sink has taken everything up to this event.
    func reached(_ id: Int64) {
        guard line.isShown else { return }
        let count = portion.withLock { portion in
            portion.before + Int64(portion.ids.count { $0 <= id })
        }
        // The distance of two ids need not fit into an integer.
        let (first, last) = (Double(plan.from), Double(plan.through))
        line.advance(to: count, fraction: min(1, max(0, (Double(id) - first + 1) / (last - first + 1))))
    }
}
