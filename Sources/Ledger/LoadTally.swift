import Libpq
import Synchronization

/// What a load has done so far, counted from all its connections.
final class LoadTally: Sendable {
    private struct Counts {
        var posted = 0
        var rolledBack = 0
        var late = 0
        var errors = 0
        var lastFailure: String?
    }

    private let counts = Mutex(Counts())

    /// Counts a transfer that ended as it was meant to.
    func count(_ ending: LoadPlan.Ending) {
        counts.withLock { counts in
            switch ending {
            case .commit:
                counts.posted += 1
            case .commitLate:
                counts.posted += 1
                counts.late += 1
            case .rollBack:
                counts.rolledBack += 1
            }
        }
    }

    /// Counts one that did not, or a connection that could not be had.
    func count(_ failure: PostgresError) {
        counts.withLock { counts in
            counts.errors += 1
            counts.lastFailure = failure.description
        }
    }

    /// How many failed, and why the last one did.
    var errors: Int { counts.withLock { $0.errors } }
    var lastFailure: String? { counts.withLock { $0.lastFailure } }

    /// `{"posted":…,"rolled_back":…,"late":…,"errors":…}`
    var json: String {
        counts.withLock { counts in
            let late = "\"late\":\(counts.late),\"errors\":\(counts.errors)"
            return "{\"posted\":\(counts.posted),\"rolled_back\":\(counts.rolledBack),\(late)}"
        }
    }
}
