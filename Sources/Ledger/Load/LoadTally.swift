import Histogram
import Synchronization

/// What a load has done so far, counted from all its desks.
final class LoadTally: Sendable {
    private struct Counts {
        var posted = 0
        var rolledBack = 0
        var late = 0
        var errors = 0
        var retries = 0
        var dropped = 0
        var length = Duration.zero
        var lastFailure: String?
        /// Microseconds, to three digits, up to an hour.
        var latencies = Histogram<UInt64>(highestTrackableValue: LoadTally.longestLatency)
    }

    private static let longestLatency: UInt64 = 3_600_000_000

    private let counts = Mutex(Counts())

    /// Counts a transfer that ended as it was meant to.
    ///
    /// - Parameter latency: from the moment it was due to the answer. It is recorded where the transfer was committed at
    ///   once: one that is kept open on purpose says nothing about the ledger.
    func count(_ ending: LoadTransfer.Ending, latency: Duration) {
        let microseconds = UInt64(max(0, min(latency / .microseconds(1), Double(Self.longestLatency))))
        counts.withLock { counts in
            switch ending {
            case .commit:
                counts.posted += 1
                counts.latencies.record(microseconds)
            case .commitLate:
                counts.posted += 1
                counts.late += 1
            case .rollBack:
                counts.rolledBack += 1
            }
        }
    }

    /// Counts one that did not, or a connection that could not be had.
    func countFailure(_ reason: String) {
        counts.withLock { counts in
            counts.errors += 1
            counts.lastFailure = reason
        }
    }

    /// Counts a request that was made again.
    func countRetry() { counts.withLock { $0.retries += 1 } }

    /// Notes what is known once the load is over.
    ///
    /// - Parameters:
    ///   - length: how long it took.
    ///   - dropped: how many transfers were due and not begun.
    func close(after length: Duration, dropped: Int) {
        counts.withLock { counts in
            counts.length = length
            counts.dropped = dropped
        }
    }

    /// How it stands.
    var summary: LoadSummary {
        // Quantiles take their time: not while desks wait to count.
        let counts = counts.withLock { $0 }
        return LoadSummary(
            posted: counts.posted, rolledBack: counts.rolledBack, late: counts.late, errors: counts.errors,
            retries: counts.retries, dropped: counts.dropped, length: counts.length, lastFailure: counts.lastFailure,
            latency: LatencyQuantiles(counts.latencies))
    }
}
