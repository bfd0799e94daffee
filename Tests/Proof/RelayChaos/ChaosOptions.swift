import ArgumentParser
import RelayTestKit

/// How the relays learn of new rows.
enum ChaosMode: String, CaseIterable, ExpressibleByArgument, Sendable {
    case poll, wal
}

extension FaultKind: ExpressibleByArgument {}

/// What one run is like.
struct ChaosOptions: Sendable {
    var mode: ChaosMode
    var seed: UInt64
    var relays: Int
    var window: Int
    /// Transfers a second.
    var rate: Int
    /// Producers beside the ledger.
    var producers: Int
    var course: FaultPlan.Course
    /// How long an endless course goes on, in seconds.
    var seconds: Int
    /// The longest time for which a fault lasts, in milliseconds.
    var longest: Int
    var pauses: ClosedRange<Int>
    /// How long what is left may take once nothing stands in the way any more.
    var patience = Duration.seconds(600)

    var plan: FaultPlan {
        FaultPlan(seed: seed, course: course, hosts: relays, pauses: pauses, longest: longest)
    }
}
